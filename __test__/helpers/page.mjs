/** Code as a page runs it: bundled for browsers, in a world of its own that has nothing of Node.js. */
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { ROOT } from './root.mjs'

/** What of the web's own globals such a world has. */
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
 * The code with all that it imports, as a bundler for browsers sees it; `conditions` of package.json are those of
 * browsers.
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

/** A world in which a page's code may be run; `globals` are put into it. */
export function world(globals = {}) {
  const context = createContext({ ...OF_THE_WEB, ...globals })
  return { context, run: (code) => runInContext(code, context) }
}
