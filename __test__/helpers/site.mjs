/**
 * A web site with its platform beside it, as the guide has it: its pages and the files of the package at one port,
 * whose path /mcp-ws leads to a platform server.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, request as send } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { ROOT } from './root.mjs'

/** Where the site has the files of dist/. */
export const PACKAGE = '/package'
/** An entry of the package, as a page without a bundler imports it. */
export const entry = (name) => `${PACKAGE}/browser/${name}.mjs`

/**
 * @param {object} options
 * @param {Record<string, string | Uint8Array | (() => string)>} options.files what is served, by path; '/' is a page
 * @param {{ port: number }} [options.platform] the server that /mcp-ws leads to; it may come and go
 * @param {{ port: number }} [options.behind] the server that has everything else
 * @param {Record<string, string>} [options.headers] of all answers
 * @param {Record<string, string>} [options.types] other types than those of the endings, by path
 * @param {{ cert: string, key: string }} [options.certificate] for https:
 */
export async function openSite(t, { files = {}, platform, behind, headers = {}, types = {}, certificate }) {
  const server = certificate === undefined ? createServer() : createTlsServer(certificate)
  server.on('request', async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    const body = await bodyOf(pathname, files)
    if (body === undefined && behind !== undefined) return pass(request, response, behind.port)
    const type = types[pathname] ?? TYPES[extname(pathname)] ?? TYPES['.html']
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type, ...headers })
    response.end(body)
  })
  const sockets = new Set()
  const keep = (socket) => sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)))
  server.on('connection', keep)
  server.on('upgrade', (request, socket, head) => {
    const target = request.url === '/mcp-ws' ? platform : behind
    if (target === undefined) return socket.destroy()
    const inner = connect(target.port, '127.0.0.1')
    keep(inner)
    joinSockets(socket, inner)
    inner.write(`${headOf(request)}\r\n\r\n`)
    inner.write(head)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${server.address().port}/` }
}

async function bodyOf(pathname, files) {
  if (Object.hasOwn(files, pathname)) {
    const file = files[pathname]
    return typeof file === 'function' ? file() : file
  }
  if (!pathname.startsWith(`${PACKAGE}/`)) return undefined
  return readFile(join(ROOT, 'dist', normalize(pathname.slice(PACKAGE.length)))).catch(() => undefined)
}

function pass(request, response, port) {
  const { method, url, headers } = request
  const inner = send({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers)
    answer.pipe(response)
  })
  inner.on('error', () => response.destroy())
  request.pipe(inner)
}

/** As it came. */
function headOf({ method, url, httpVersion, rawHeaders }) {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return lines.join('\r\n')
}

function joinSockets(one, other) {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ])
    from.once('close', () => to.destroy()).pipe(to)
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
}
