import { createHash } from 'node:crypto'

/** A checksum by which both sides recognize damage: TCP's own does not cover what a proxy does. */
export function sumOf(value) {
  return createHash('sha256').update(String(value)).digest('hex').slice(0, 12)
}
