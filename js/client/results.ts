/** The results of many calls in one text, `[slot,result,slot,result,…]`: the addon's way when many come at once. */
import { settle, settleAlone } from '../shared/client/hub.js'

export function settleResults(text: string): void {
  const pairs = parse(text)
  if (pairs === undefined) for (const [slot, json] of resultsIn(text)) settleAlone(slot, json)
  else for (let i = 0; i < pairs.length; i += 2) settle(pairs[i] as number, pairs[i + 1])
}

/** `undefined` if one of the results cannot be parsed: it must not keep the others from their calls. */
function parse(text: string): unknown[] | undefined {
  try {
    return JSON.parse(text) as unknown[]
  } catch {
    return undefined
  }
}

/** The slots and results in a text `[slot,result,slot,result,…]` that could not be parsed as a whole. */
function* resultsIn(text: string): Generator<[slot: number, json: string]> {
  for (let at = 1; at < text.length - 1; ) {
    const comma = text.indexOf(',', at)
    const end = endOfValue(text, comma + 1)
    yield [Number(text.slice(at, comma)), text.slice(comma + 1, end)]
    at = end + 1
  }
}

/** The position after the JSON value at `at`: that of the comma or bracket that follows. */
function endOfValue(text: string, at: number): number {
  let depth = 0
  for (let here = at; ; here++) {
    const character = text.charAt(here)
    if (character === '"') here = endOfString(text, here)
    else if (character === '[' || character === '{') depth++
    else if (depth === 0 && (character === ',' || character === ']' || character === '')) return here
    else if (character === ']' || character === '}') depth--
  }
}

/** The position of the quote that ends the string at `at`. */
function endOfString(text: string, at: number): number {
  let here = at + 1
  while (here < text.length && text.charAt(here) !== '"') here += text.charAt(here) === '\\' ? 2 : 1
  return here
}
