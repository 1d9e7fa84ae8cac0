/**
 * The portable core in Node.js, for platforms that have no binary. Users ask for it with MCP_CLIENT_PORTABLE=1; a file
 * of its own, because hardly anybody does.
 */
import { Buffer } from 'node:buffer'
import { bindingOver } from '../page/binding.js'
import { WebSocket } from '../page/globals.js'
import { moduleBytes } from '../page/entries/module-bytes.js'
import { moduleIn } from '../page/module.js'
import type { Binding, Item } from '../shared/client/binding.js'
import * as ITEM from '../shared/client/item.js'

/** @throws Error with cause and remedy if Node.js has no WebSocket */
export function portableBinding(): Binding {
  if (WebSocket === undefined)
    throw new Error(`MCP_CLIENT_PORTABLE=1 needs a WebSocket of the runtime, which Node.js has from version 22 on`)
  const binding = bindingOver(moduleIn(moduleBytes))
  return { ...binding, Mailbox: withBuffers(binding.Mailbox) }
}

/** `responseType: 'buffer'` gives a `Buffer` in Node.js, whichever core it is of. */
function withBuffers(Mailbox: Binding['Mailbox']): Binding['Mailbox'] {
  return class extends Mailbox {
    override take(): Item | null {
      const item = super.take()
      if (item?.[0] === ITEM.BYTES) {
        const { buffer, byteOffset, byteLength } = item[3] as Uint8Array
        item[3] = Buffer.from(buffer, byteOffset, byteLength)
      }
      return item
    }
  }
}
