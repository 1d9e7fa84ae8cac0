/**
 * Takes the pictures of the command line for the documents, each from a real run in a terminal against a real server:
 * docs/images/doctor.png, doctor-failed.png, monitor.png. It needs a build and Chromium.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { launchBrowser } from '../../__test__/helpers/browser.mjs'
import { Cleanup } from '../../__test__/helpers/cleanup.mjs'
import { createAuthority } from '../../__test__/helpers/certificates.mjs'
import { folderOf } from '../../__test__/helpers/documents.mjs'
import { startInTerminal } from '../../__test__/helpers/terminal.mjs'
import { ROOT, isMain } from '../lib/root.mjs'

const IMAGES = join(ROOT, 'docs/images')
const DAY_MS = 86_400_000

/** So that the machine's own settings are not in the pictures. */
const PLAIN = { SSL_CERT_FILE: '', SSL_CERT_DIR: '', NO_PROXY: '', no_proxy: '' }

export async function takeScreenshots() {
  const t = new Cleanup()
  try {
    const browser = await launchBrowser()
    t.after(() => browser.close())
    for (const [name, scene] of Object.entries(SCENES)) await picture(browser, name, await scene(t))
  } finally {
    await t.run()
  }
}

/** Each shows something in a terminal, and resolves with that terminal. */
const SCENES = {
  async doctor(t) {
    const authority = createAuthority('Example authority')
    const url = await platform(t, authority.issue({ until: 61.5 * DAY_MS }))
    const options = { columns: 100, rows: 24, ...(await trusting(t, authority)) }
    const terminal = startInTerminal(t, ['doctor', url, '--tool', 'status'], options)
    await terminal.ended
    return terminal
  },

  async 'doctor-failed'(t) {
    const authority = createAuthority('Example authority')
    const url = await platform(t, authority.issue({ from: -90 * DAY_MS, until: -1.5 * DAY_MS }))
    const options = { columns: 100, rows: 16, ...(await trusting(t, authority)) }
    const terminal = startInTerminal(t, ['doctor', url], options)
    await terminal.ended
    return terminal
  },

  async monitor(t) {
    const server = await MCPTestServer.listen({ tools: { search: () => later(Math.random() ** 4 * 60) } })
    t.after(() => server.close())
    const args = ['monitor', server.url, '--every', '100', '--tool', 'search']
    const terminal = startInTerminal(t, args, { columns: 90, rows: 24, env: PLAIN })
    await terminal.shows(/● ready/)
    await later(4_000)
    await server.terminateAll()
    await terminal.shows(/● ready.*1 survived/s)
    terminal.type('p')
    await terminal.shows(/pong after/)
    await later(6_000)
    return terminal
  },
}

/** A test server behind TLS that has an open page for its health; resolves with its URL. */
async function platform(t, certificate) {
  const server = await MCPTestServer.listen({ compression: true })
  const tls = createServer(certificate, ({ url }, response) => {
    const isHealth = url === '/api/health'
    response.writeHead(isHealth ? 200 : 404, { 'content-type': 'application/json' })
    response.end(isHealth ? '{"status":"ok","uptime":86400}' : '{}')
  })
  tls.on('upgrade', ({ rawHeaders, url }, socket, head) => {
    const inner = connect(server.port, '127.0.0.1')
    const lines = rawHeaders.map((part, index) => (index % 2 ? `${part}\r\n` : `${part}: `)).join('')
    inner.write(`GET ${url} HTTP/1.1\r\n${lines}\r\n`)
    inner.write(head)
    inner.on('error', () => socket.destroy()).pipe(socket)
    socket.on('error', () => inner.destroy()).pipe(inner)
  })
  tls.listen(0, '127.0.0.1')
  await once(tls, 'listening')
  t.after(() => server.close())
  t.after(() => tls.close())
  return `wss://localhost:${tls.address().port}/mcp-ws`
}

/** Where the authority is trusted, by a path that means something to a reader. */
async function trusting(t, authority) {
  const cwd = await folderOf(t, { 'authority.pem': authority.cert })
  return { cwd, env: { ...PLAIN, NODE_EXTRA_CA_CERTS: 'authority.pem' } }
}

function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function picture(browser, name, terminal) {
  const page = await browser.newPage()
  await page.setContent(pageOf(terminal.cells()))
  await page.locator('pre').screenshot({ path: join(IMAGES, `${name}.png`) })
  await page.close()
  console.log(`docs/images/${name}.png`)
}

/** The screen as a page: a row of spans for each line. */
function pageOf(lines) {
  const rows = lines.map((cells) => cells.map(span).join('')).join('\n')
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; background: #1e1e2e }
    pre { display: inline-block; margin: 0; padding: 16px 20px; background: #1e1e2e; color: #cdd6f4;
          font: 14px/1.35 "DejaVu Sans Mono", "Liberation Mono", monospace }
  </style><pre>${rows}</pre>`
}

function span({ text, colour, isBold, isDim, isInverse }) {
  const foreground = COLOURS[colour] ?? '#cdd6f4'
  const style = [
    isInverse ? `background:${foreground};color:#1e1e2e` : `color:${foreground}`,
    isBold && 'font-weight:bold',
    isDim && 'opacity:.6',
  ]
  const escaped = text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
  return `<span style="${style.filter(Boolean).join(';')}">${escaped}</span>`
}

/** The sixteen colours of a terminal, of which these are used. */
const COLOURS = { 1: '#f38ba8', 2: '#a6e3a1', 3: '#f9e2af', 6: '#94e2d5', 8: '#7f849c' }

if (isMain(import.meta.url)) await takeScreenshots()
