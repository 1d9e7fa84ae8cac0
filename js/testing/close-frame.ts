import { Buffer } from 'node:buffer'

/**
 * What `close()` of a connection may send (RFC 6455 § 7.4 and § 5.5). A rule of the server's own: the client has
 * another one, and each tests the other's.
 * @throws RangeError for a code or a reason that cannot be sent
 */
export function checkCloseFrame(code: number, reason: string): void {
  const isAssigned = Number.isInteger(code) && ((code >= 1000 && code <= 1014) || (code >= 3000 && code <= 4999))
  if (!isAssigned || NEVER_SENT.has(code))
    throw new RangeError(`a server cannot close with the code ${code}: use 1000 to 1014, or 3000 to 4999 of your own`)
  const bytes = Buffer.byteLength(reason)
  if (bytes > MOST_REASON_BYTES)
    throw new RangeError(`a close reason has room for ${MOST_REASON_BYTES} bytes, and this one has ${bytes}`)
}

/** Reserved; "no code was sent"; "no close frame was sent". */
const NEVER_SENT: ReadonlySet<number> = new Set([1004, 1005, 1006])

/** A control frame has 125 bytes, of which the code takes two. */
const MOST_REASON_BYTES = 123
