/**
 * UTF-8 where the runtime has neither TextEncoder nor TextDecoder, as in the pages of Jest with jsdom. Those load the
 * entry with the module inlined.
 */
import { HAS_CODEC, useCodec } from './utf8.js'

export function provideCodec(): void {
  if (!HAS_CODEC) useCodec({ encoder: { encode, encodeInto }, decoder: { decode }, strict: { decode: decodeStrictly } })
}

/** @throws TypeError for what is not UTF-8: it is not the same when it is encoded again */
function decodeStrictly(bytes: Uint8Array): string {
  const text = decode(bytes)
  const again = encode(text)
  if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at])) throw new TypeError('not UTF-8')
  return text
}

function encode(text: string): Uint8Array {
  return Uint8Array.from([...text].flatMap(bytesOf))
}

function encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
  let [read, written] = [0, 0]
  for (const character of text) {
    const bytes = bytesOf(character)
    if (written + bytes.length > into.length) break
    into.set(bytes, written)
    written += bytes.length
    read += character.length
  }
  return { read, written }
}

/** A surrogate without its other half becomes U+FFFD, as in a TextEncoder. */
function bytesOf(character: string): number[] {
  const given = character.codePointAt(0)!
  const code = given >= 0xd800 && given <= 0xdfff ? 0xfffd : given
  if (code < 0x80) return [code]
  if (code < 0x800) return [0xc0 | (code >> 6), tail(code)]
  if (code < 0x10000) return [0xe0 | (code >> 12), tail(code >> 6), tail(code)]
  return [0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code)]
}

function tail(code: number): number {
  return 0x80 | (code & 0x3f)
}

/** Of well-formed bytes: the core makes no others. */
function decode(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at]!
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    let code = length === 1 ? first : first & (0x7f >> length)
    for (let next = 1; next < length; next++) code = (code << 6) | (bytes[at + next]! & 0x3f)
    text += String.fromCodePoint(code)
    at += length
  }
  return text
}
