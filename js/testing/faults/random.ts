/** Random numbers from 0 to below 1 that depend only on the seed: the key stream of a cipher. */
import { Buffer } from 'node:buffer'
import { createCipheriv, createHash } from 'node:crypto'

export function seededRandom(seed: string): () => number {
  const key = createHash('sha256').update(seed).digest()
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(4)
  return () => stream.update(zeros).readUInt32BE() / 2 ** 32
}
