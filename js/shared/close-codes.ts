/** What the close codes of RFC 6455 mean, in the words of the guide. */
export const WS_ERROR_CODES: Readonly<Record<number, string>> = Object.freeze({
  1000: 'Normal closure',
  1001: 'Going away',
  1002: 'Protocol error',
  1003: 'Unsupported data',
  1004: 'Reserved',
  1005: 'No status received',
  1006: 'Abnormal closure',
  1007: 'Invalid frame payload data',
  1008: 'Policy violation',
  1009: 'Message too big',
  1010: 'Missing extension',
  1011: 'Internal error',
  1012: 'Service restart',
  1013: 'Try again later',
  1014: 'Bad gateway',
  1015: 'TLS handshake',
})

/** What a close code means, in a few words. */
export function explain(code: number): string {
  return WS_ERROR_CODES[code] ?? 'Unknown code'
}

/**
 * Checks the arguments of `close()` (RFC 6455 § 7.4 and § 5.5).
 * @throws RangeError for a code that must not be sent, or a reason of more than 123 bytes; TypeError if the code is not
 * a number or the reason not a string
 */
export function checkCloseFrame(code: unknown, reason: unknown): void {
  if (typeof code !== 'number') throw new TypeError(`the close code must be a number, got ${typeof code}`)
  const isSendable =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)
  if (!Number.isInteger(code) || !isSendable) {
    throw new RangeError(`the close code ${code} cannot be sent: use 1000, or 3000 to 4999 for reasons of your own`)
  }
  if (typeof reason !== 'string') throw new TypeError(`the close reason must be a string, got ${typeof reason}`)
  const bytes = utf8Length(reason)
  if (bytes > 123) throw new RangeError(`the close reason has ${bytes} bytes, at most 123 fit into a close frame`)
}

/** Bytes in UTF-8. The pages of some test runners have no TextEncoder. */
function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0)!
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}
