/** Runs code as a page does: bundled for browsers, in a context that has nothing of Node.js. */
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { ROOT } from './root.mjs'

/** The globals of the web that the context has. */
const OF_THE_WEB = {
  AbortController,
  AbortSignal,
  crypto,
  MessageChannel,
  queueMicrotask,
  TextDecoder,
  TextEncoder,
  setTimeout,
  clearTimeout,
  performance,
  console,
}

/**
 * The code with everything that it imports, bundled with the `conditions` of package.json for browsers.
 */
export async function bundleForPages(code, { format = 'iife', ...options } = {}) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: ROOT },
    bundle: true,
    write: false,
    platform: 'browser',
    format,
    metafile: true,
    globalName: 'page',
    define: { 'process.env.NODE_ENV': '"development"' },
    logLevel: 'silent',
    ...options,
  })
  return { code: outputFiles[0].text, inputs: Object.keys(metafile.inputs) }
}

/** A context to run a page's code in, with these globals besides. */
export function world(globals = {}) {
  const context = createContext({ ...OF_THE_WEB, ...globals })
  return { context, run: (code) => runInContext(code, context) }
}
