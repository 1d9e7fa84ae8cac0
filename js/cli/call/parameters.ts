/**
 * The parameters of a tool call on the command line, as in HTTPie: any number of key=value, or one JSON value. They
 * stay JSON text, so that every digit of a number is sent.
 */
import { UsageError } from '../failures.js'
import { readText, STANDARD_INPUT } from '../text-files.js'

/**
 * The parameters as JSON.
 * @throws UsageError that names the argument at fault
 */
export async function readParameters(words: readonly string[]): Promise<string> {
  const [first, ...more] = words
  if (first === undefined) return '{}'
  if (!isWhole(first)) return objectOf(words)
  if (more.length > 0)
    throw new UsageError(`JSON parameters must be one argument (in quotes): ${more[0]} is one too many`)
  if (first === STANDARD_INPUT) return checkJson(await readText(STANDARD_INPUT), 'standard input is not JSON')
  return checkJson(first, 'the parameters are neither JSON nor key=value', first)
}

/** No pair begins like JSON, and without an equals sign it cannot be a pair. */
function isWhole(word: string): boolean {
  return /^\s*[{["]/.test(word) || !word.includes('=')
}

async function objectOf(words: readonly string[]): Promise<string> {
  const members = new Map<string, string>()
  let readsInput = false
  for (const word of words) {
    const { key, isJson, value } = split(word)
    if (members.has(key)) throw new UsageError(`parameter "${key}" is given twice`)
    const isInput = value === `@${STANDARD_INPUT}`
    if (isInput && readsInput) throw new UsageError(`parameter "${key}": standard input can be read only once`)
    readsInput ||= isInput
    members.set(key, await jsonOf(key, isJson, value))
  }
  return `{${[...members].map(([key, json]) => `${JSON.stringify(key)}:${json}`).join()}}`
}

function split(word: string): { key: string; isJson: boolean; value: string } {
  const at = word.indexOf('=')
  const isJson = word[at - 1] === ':'
  const key = word.slice(0, isJson ? at - 1 : Math.max(at, 0))
  if (key === '') throw new UsageError(`parameters must be key=value, key:=json or one JSON value, not ${word}`)
  return { key, isJson, value: word.slice(at + 1) }
}

async function jsonOf(key: string, isJson: boolean, value: string): Promise<string> {
  const path = value.startsWith('@') ? value.slice(1) : undefined
  const text = path === undefined ? value.replace(/^\\(?=\\*@)/, '') : await contentsOf(path, key)
  if (!isJson) return JSON.stringify(text)
  return checkJson(text, `parameter "${key}" is not JSON (key=value takes text)`, path === undefined ? text : value)
}

/** @param shown - what the error shows */
function checkJson(json: string, fault: string, shown?: string): string {
  try {
    JSON.parse(json)
    return json
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${fault}${shown === undefined ? '' : `: ${shown}`} (${why})`)
  }
}

/** @param key - the parameter that the file is for */
async function contentsOf(path: string, key?: string): Promise<string> {
  const prefix = key === undefined ? '' : `parameter "${key}": `
  if (path === '') throw new UsageError(`${prefix}the name of a file is missing after @; text that begins so is \\@…`)
  return await readText(path, prefix)
}
