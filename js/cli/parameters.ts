/** The parameters of a tool call as they stand on the command line: one JSON value, or any number of key=value. */
import { UsageError } from './usage-error.js'

export function parseParameters(words: readonly string[]): unknown {
  const [first, ...more] = words
  if (first === undefined) return {}
  if (!looksLikeJson(first)) return Object.fromEntries(pairs(words))
  if (more.length > 0) throw new UsageError(`JSON parameters must be one argument (in quotes): unexpected ${more[0]}`)
  return parseJson(first)
}

/** A pair never begins like this, and what holds no equals sign cannot be a pair. */
function looksLikeJson(word: string): boolean {
  return /^\s*[{["]/.test(word) || !word.includes('=')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`the parameters are neither JSON (${why}) nor key=value: ${text}`)
  }
}

function* pairs(words: readonly string[]): Generator<[string, unknown]> {
  const seen = new Set<string>()
  for (const word of words) {
    const at = word.indexOf('=')
    const key = word.slice(0, at)
    if (at < 1) throw new UsageError(`parameters must be key=value or one JSON value, not ${word}`)
    if (seen.has(key)) throw new UsageError(`parameter "${key}" is given twice`)
    seen.add(key)
    yield [key, jsonOrText(word.slice(at + 1))]
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
