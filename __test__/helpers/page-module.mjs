/** The WebAssembly module of pages, called as js/page/instance.ts calls it, but without what it does for speed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXPORT_NAMES as SHORT } from './export-names.mjs'
import { ROOT } from './root.mjs'

const module = new WebAssembly.Module(readFileSync(join(ROOT, 'js/page/mcp-page.wasm')))

/** Where the numbers of the block are, in bytes (crates/page/src/border.rs). */
const BLOCK = {
  deadline: 0,
  kind: 8,
  a: 12,
  b: 16,
  text: 20,
  length: 24,
  hasItems: 28,
  before: 32,
  after: 36,
  revision: 40,
  reasons: 44,
  work: 48,
}

/** One client. */
export class PageModule {
  #exports = new WebAssembly.Instance(module).exports
  #block = this.#exports[SHORT.block]()

  /**
   * Calls a function.
   * @param {string} name
   * @param {readonly number[]} given its arguments
   * @param {readonly Uint8Array[]} parts what is written to the room before
   */
  call(name, given, parts = []) {
    const bytes = Buffer.concat(parts)
    if (parts.length > 0) {
      const at = this.#exports[SHORT.room](bytes.length)
      new Uint8Array(this.#exports[SHORT.memory].buffer).set(bytes, at)
    }
    return this.#exports[SHORT[name]](...given)
  }

  number(name) {
    return this.#view.getUint32(this.#block + BLOCK[name], true)
  }

  get deadline() {
    return this.#view.getFloat64(this.#block + BLOCK.deadline, true)
  }

  /** `null` if there is none. */
  get text() {
    const at = this.number('text')
    return at === 0 ? null : Buffer.from(this.#exports[SHORT.memory].buffer, at, this.number('length')).toString()
  }

  get #view() {
    return new DataView(this.#exports[SHORT.memory].buffer)
  }
}
