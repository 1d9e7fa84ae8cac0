/**
 * `node scripts/build/session-image.mjs` records a session of `mcp-client mcp` into docs/images/mcp-session.svg: a host
 * lists and calls tools, the platform is killed and started again, and the next call is answered. It runs for real, in
 * the built dist/.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { freePort } from '../../__test__/helpers/ports.mjs'
import { ROOT, isMain } from '../lib/root.mjs'

const MAIN = `${ROOT}dist/cli/main.js`
const IMAGE = `${ROOT}docs/images/mcp-session.svg`

/** Resolves with lines: when in seconds, who, what. */
async function record() {
  const lines = []
  const began = performance.now()
  const note = (who, what) => lines.push({ at: (performance.now() - began) / 1000, who, what })
  const port = await freePort()
  let platform = await startPlatform(port)
  note('platform', 'is started')

  const client = new Client({ name: 'recording', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const url = `ws://127.0.0.1:${port}/mcp-ws`
  const transport = new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp', url], stderr: 'pipe' })
  createInterface({ input: transport.stderr }).on('line', (line) =>
    note('stderr', line.replace(/^mcp-client: /, '').replace(`url ${url}, `, '')),
  )
  await client.connect(transport)
  const { pid } = transport
  note(
    'host',
    `server/discover  → ${client.getServerVersion().name}, revision ${client.getNegotiatedProtocolVersion()}`,
  )
  const { tools } = await client.listTools()
  note('host', `tools/list  → ${tools.map(({ name }) => name).join(', ')}`)
  const call = async (name, parameters, show) => {
    const asked = performance.now()
    const result = await client.callTool({ name, arguments: parameters })
    const ms = Math.round(performance.now() - asked)
    note('host', `tools/call ${name} ${JSON.stringify(parameters)}  → ${show(result)}, after ${ms} ms`)
  }
  const found = ({ structuredContent: { items } }) => `${items.length} results, the first “${items[0].title}”`
  const same = ({ structuredContent }) => JSON.stringify(structuredContent)
  await call('web_search', { query: 'reconnect', numResults: 3 }, found)
  await call(
    'sleep',
    { ms: 'soon' },
    ({ structuredContent: { error } }) => `isError: ${error.code}, sent ${error.sent}`,
  )

  note('platform', 'is killed')
  platform.kill('SIGKILL')
  await once(platform, 'close')
  const waiting = call('echo', { during: 'the outage' }, same)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  platform = await startPlatform(port)
  note('platform', 'is started again')
  await waiting
  await call('web_search', { query: 'backoff', numResults: 2 }, found)

  if (transport.pid !== pid) throw new Error('the server was started anew')
  await client.close()
  note('host', `closes its end; the server, process ${pid} from first to last, ends`)
  platform.kill()
  return lines.sort((a, b) => a.at - b.at)
}

async function startPlatform(port) {
  const args = [MAIN, 'serve', '--port', String(port), '--dialect', 'event', '--schemas', 'named']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  return child
}

/** A picture that follows the reader's colour scheme. */
function draw(lines) {
  const rows = lines.flatMap(({ at, who, what }) =>
    wrapped(what).map((text, index) =>
      index === 0 ? { at: at.toFixed(1), who, text } : { at: '', who: '', text, of: who },
    ),
  )
  const height = TOP + rows.length * LINE + BOTTOM
  const texts = rows.map(({ at, who, text, of }, index) => {
    const y = TOP + index * LINE
    const cells = [at && `<text class="time" x="68" y="${y}" text-anchor="end">${at} s</text>`]
    cells.push(who && `<text class="${who}" x="88" y="${y}">${who}</text>`)
    cells.push(`<text class="${who || of} what" x="${LEFT}" y="${y}" xml:space="preserve">${escaped(text)}</text>`)
    return cells.filter(Boolean).join('')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>A session of mcp-client mcp: tools are listed and called, through an outage of the platform</title>
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328 }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
.time, .stderr { fill: #59636e } .host { fill: #0550ae } .platform { fill: #953800 } .host.what { fill: #1f2328 }
@media (prefers-color-scheme: dark) {
text, .host.what { fill: #f0f6fc } rect { fill: #151b23; stroke: #3d444d }
.time, .stderr { fill: #9198a1 } .host { fill: #79c0ff } .platform { fill: #ffa657 }
}
</style>
<rect x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
${texts.join('\n')}
</svg>
`
}

/** In pieces that fit, broken at spaces. */
function wrapped(text) {
  const pieces = ['']
  for (const word of text.split(/(?<= )/)) {
    if (pieces.at(-1).length + word.trimEnd().length > COLUMNS) pieces.push('  ')
    pieces[pieces.length - 1] += word
  }
  return pieces.map((piece) => piece.trimEnd())
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

// In px; COLUMNS in characters.
const WIDTH = 960
const LEFT = 164
const TOP = 32
const LINE = 22
const BOTTOM = 4
const COLUMNS = 98

if (isMain(import.meta.url)) await writeFile(IMAGE, draw(await record()))
