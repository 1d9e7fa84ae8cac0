/**
 * Builds and serves the page. Its own client connects to the platform, which the same server has at /mcp-ws; and for
 * keys that no page may have there is a second way, serve-bridged.mjs.
 */
import { fileURLToPath } from 'node:url'
import { build, preview } from 'vite'

const root = fileURLToPath(new URL('.', import.meta.url))
const PAGES = { index: `${root}index.html`, bridged: `${root}bridged.html` }

/**
 * Serves the page on loopback, at this port or the next one that is free.
 * @param {{ url: string }} platform the server that /mcp-ws leads to
 * @param {string} apiKey what the visitors of the page use
 * @returns its `url`, and `close()`
 */
export async function servePage(platform, apiKey, { port = 4173 } = {}) {
  const page = await serve({
    plugins: [keyOfVisitors(apiKey)],
    preview: { port, proxy: { '/mcp-ws': { target: new URL(platform.url).origin, ws: true } } },
  })
  return { url: page.url, close: () => page.server.close() }
}

/** Serves what is built: the server, and the address of its pages. */
export async function serve({ preview: options, ...config }) {
  await built()
  // It would print an error for each attempt of a page while the platform is away.
  const server = await preview({
    root,
    appType: 'mpa',
    ...config,
    preview: { host: '127.0.0.1', ...options },
    logLevel: 'silent',
  })
  return { server, url: `http://127.0.0.1:${server.httpServer.address().port}/` }
}

let building

function built() {
  building ??= build({ root, logLevel: 'warn', build: { rollupOptions: { input: PAGES } } })
  return building
}

/**
 * Here everyone is the same visitor. A real server looks who is logged in, and returns a key that is theirs, for a
 * short time.
 */
function keyOfVisitors(apiKey) {
  return {
    name: 'key-of-visitors',
    // After Vite has checked the host that was asked for. Pages of other origins cannot read the answer.
    configurePreviewServer: (server) => () =>
      server.middlewares.use('/key', (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' })
        response.end(apiKey)
      }),
    config: () => ({ preview: { cors: false } }),
  }
}
