/** UTF-8, by what the runtime has for it. */
interface Encoder {
  encode(text: string): Uint8Array
  /** Writes as much as has room. */
  encodeInto(text: string, into: Uint8Array): { read: number; written: number }
}

interface Decoder {
  decode(bytes: Uint8Array): string
}

/** Both, and a decoder that throws for what is not UTF-8. */
interface Codec {
  readonly encoder: Encoder
  readonly decoder: Decoder
  readonly strict: Decoder
}

export let encoder: Encoder
export let decoder: Decoder
let strict: Decoder

/** Whether the runtime has what is needed. The pages of some test runners have not. */
export const HAS_CODEC = 'TextEncoder' in globalThis && 'TextDecoder' in globalThis

export function useCodec(codec: Codec): void {
  encoder = codec.encoder
  decoder = codec.decoder
  strict = codec.strict
}

/** The text that bytes are; `undefined` if they are not UTF-8. */
export function textIn(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

if (HAS_CODEC)
  useCodec({
    encoder: new TextEncoder() as unknown as Encoder,
    decoder: new TextDecoder('utf-8', { ignoreBOM: true }),
    strict: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
  })
