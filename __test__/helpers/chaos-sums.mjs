import { createHash } from 'node:crypto'

/** By it either side knows what came as it was sent: TCP's own checksum does not cover what a proxy does. */
export function sumOf(value) {
  return createHash('sha256').update(String(value)).digest('hex').slice(0, 12)
}
