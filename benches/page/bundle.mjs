/** The client as a page has it, bundled and minified, and its size. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { ROOT } from '../../scripts/lib/root.mjs'

/** @returns `{ script, module }`, as texts and bytes */
export async function bundleClient() {
  const { outputFiles } = await build({
    stdin: { contents: "export { MCPClient } from '@mcp-integration/client'", resolveDir: ROOT },
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  return { script: outputFiles[0].text, module: readFileSync(join(ROOT, 'dist/browser/mcp-page.wasm')) }
}

/** Bytes of what a page loads, as it is and with gzip. */
export function sizesOf({ script, module }) {
  const sizeOf = (content) => ({
    bytes: Buffer.byteLength(content),
    compressed: gzipSync(content, { level: 9 }).length,
  })
  return { script: sizeOf(script), module: sizeOf(module) }
}
