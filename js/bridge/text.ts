/** Messages of the bridge as text, for ports that cannot send objects, or only slowly. */

/**
 * JSON has no bytes; those of a result are UTF-8 and sent as a string.
 * @throws RangeError if the message is nested too deeply
 */
export function toText({ bytes, ...message }: { bytes?: Uint8Array }): string {
  return JSON.stringify(bytes === undefined ? message : { ...message, utf8: decode(bytes) })
}

/** Anything but JSON text is returned unchanged; the bridge reports it as malformed. */
export function fromText(text: unknown): unknown {
  if (typeof text !== 'string') return text
  try {
    const message = JSON.parse(text) as { utf8?: unknown }
    if (typeof message?.utf8 !== 'string') return message
    const { utf8, ...rest } = message
    return { ...rest, bytes: new TextEncoder().encode(utf8 as string) }
  } catch {
    return text
  }
}

/** Made when bytes come: the pages of some test runners have neither class, and need none. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
