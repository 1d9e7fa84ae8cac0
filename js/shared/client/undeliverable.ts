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
