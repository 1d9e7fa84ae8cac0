/** Checks that the committed WebAssembly module for pages is made of the present sources, and small enough. */
import { staleness } from '../lib/page-module.mjs'
import { isMain } from '../lib/root.mjs'

if (isMain(import.meta.url)) {
  const fault = staleness()
  if (fault !== undefined) {
    console.error(fault)
    process.exit(1)
  }
  console.log('js/page/mcp-page.wasm is made of the present sources')
}
