/** Builds the app into dist/: the main process, and the page beside it. */
import { fileURLToPath } from 'node:url'
import { build as bundle } from 'esbuild'
import { build as buildPage } from 'vite'

const root = fileURLToPath(new URL('.', import.meta.url))

/** @returns the path of the main process's script */
export async function build() {
  const main = `${root}dist/main.cjs`
  await bundle({
    entryPoints: [`${root}main.ts`],
    outfile: main,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    // The client has a native part, which cannot be bundled.
    external: ['electron', '@mcp-integration/client'],
    logLevel: 'warning',
  })
  await buildPage({
    root: fileURLToPath(new URL('../web-search', import.meta.url)),
    // The same page, but for how it comes to its client.
    resolve: { alias: { '/src/main.tsx': `${root}renderer.tsx` } },
    build: { outDir: `${root}dist/page`, emptyOutDir: true },
    logLevel: 'warn',
  })
  return main
}
