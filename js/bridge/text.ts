/** Messages of the bridge as text, for ways that carry no objects or carry them slowly. */

/** JSON has no bytes; those of a result are the UTF-8 of a text. @throws RangeError for what is nested too deeply */
export function toText({ bytes, ...message }: { bytes?: Uint8Array }): string {
  return JSON.stringify(bytes === undefined ? message : { ...message, utf8: DECODER.decode(bytes) })
}

/** What is not JSON, or no text, is returned as it is: it is malformed, and the bridge says so. */
export function fromText(text: unknown): unknown {
  if (typeof text !== 'string') return text
  try {
    const message = JSON.parse(text) as { utf8?: unknown }
    if (typeof message?.utf8 !== 'string') return message
    const { utf8, ...rest } = message
    return { ...rest, bytes: ENCODER.encode(utf8 as string) }
  } catch {
    return text
  }
}

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })
const ENCODER = new TextEncoder()
