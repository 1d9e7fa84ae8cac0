/**
 * What happens to an item of the mailbox that cannot be delivered: its calls are rejected. The items after it are
 * delivered all the same.
 */
import { INTERNAL_ERROR, MESSAGE_TOO_LARGE, type ErrorData } from '../native-types.js'
import { classOf } from '../thrown.js'

/** V8 did not accept the text or the bytes of the item. */
export class NotAccepted extends Error {}

/** The error of the item's calls. The message of what was thrown may quote the text, so only its class is shown. */
export function undeliverable(thrown: unknown): ErrorData {
  if (thrown instanceof NotAccepted) {
    const { message, retryable } = MESSAGE_TOO_LARGE
    return { code: 'MESSAGE_TOO_LARGE', message: `${message}: V8 has no room for it`, retryable }
  }
  const { message, retryable } = INTERNAL_ERROR
  const words = `${message}: a message cannot be delivered (${classOf(thrown)})`
  return { code: 'INTERNAL_ERROR', message: words, retryable }
}

/** The slots and results in a text `[slot,result,slot,result,…]` that could not be parsed as a whole. */
export function* resultsIn(text: string): Generator<[slot: number, json: string]> {
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
