/** Who may use `MCPTestServer` and `mcp-client serve`: programs, and pages of this machine; no other page. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { launchBrowser } from './helpers/browser.mjs'
import { serve } from './helpers/cli.mjs'
import { ready } from './helpers/client.mjs'
import { folderOf } from './helpers/documents.mjs'
import { listen } from './helpers/test-server.mjs'

/** Asks for an upgrade; resolves with the status of the answer, and its text unless that is 101. */
async function knock(t, { port }, headers) {
  const asked = request({
    port,
    host: '127.0.0.1',
    path: '/mcp-ws',
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
    },
  })
  asked.end()
  t.after(() => asked.destroy())
  return await new Promise((resolve, reject) => {
    asked.on('error', reject)
    asked.on('upgrade', (_response, socket) => {
      socket.destroy()
      resolve({ status: 101 })
    })
    asked.on('response', async (response) => {
      let text = ''
      for await (const part of response.setEncoding('utf8')) text += part
      resolve({ status: response.statusCode, text })
    })
  })
}

describe('a page', () => {
  const OWN = [
    'http://localhost',
    'http://localhost:5173',
    'https://127.0.0.1:8443',
    'http://[::1]:3000',
    'http://app.localhost',
  ]
  for (const origin of OWN) {
    test(`of ${origin} may connect`, async (t) => {
      const server = await listen(t)
      assert.deepEqual(await knock(t, server, { origin }), { status: 101 })
    })
  }

  const FOREIGN = [
    'https://evil.example',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://192.168.1.20',
    'null',
    'file://',
    'app://localhost',
    'chrome-extension://abcdefghijklmnop',
    'http://localhost, https://evil.example',
    '',
  ]
  for (const origin of FOREIGN) {
    test(`of ${origin || 'an empty origin'} is refused with 403, its remedy named, unless it is allowed`, async (t) => {
      const server = await listen(t)
      const refused = once(server, 'refused')
      const { status, text } = await knock(t, server, { origin })
      assert.equal(status, 403)
      assert.ok(text.startsWith(`Origin '${origin}' may not use this server`), text)
      if (origin)
        assert.match(text, /To let it in, name '.*' in allowedOrigins \(mcp-client serve: --allow-origin\)\n$/)
      assert.deepEqual(await refused, [text.trimEnd()])
      assert.equal(server.connections.length, 0)
      if (!origin || origin.includes(',')) return
      const open = await listen(t, { allowedOrigins: [origin.toUpperCase().replace('NULL', 'null')] })
      assert.deepEqual(await knock(t, open, { origin }), { status: 101 })
      assert.equal((await knock(t, open, { origin: 'https://other.example' })).status, 403)
    })
  }

  test('that came from the address that it connects to may connect', async (t) => {
    const server = await listen(t, { allowedHosts: ['dev.example'] })
    assert.equal((await knock(t, server, { host: 'dev.example:81', origin: 'http://dev.example:81' })).status, 101)
    assert.equal((await knock(t, server, { host: 'dev.example', origin: 'https://dev.example' })).status, 101)
    assert.equal((await knock(t, server, { host: 'dev.example:81', origin: 'http://dev.example:82' })).status, 403)
  })

  test('cannot hide who it is in the answer', async (t) => {
    const server = await listen(t)
    const { text } = await knock(t, server, { origin: `\u009b31m${'x'.repeat(5_000)}` })
    assert.ok(text.startsWith("Origin '\\x9B31mxxx"), text)
    assert.ok(text.length < 700, `${text.length} characters`)
  })
})

describe('a name for the server', () => {
  for (const host of [
    'localhost:8080',
    'LOCALHOST',
    'mcp.localhost',
    '127.0.0.1:1',
    '127.1.2.3',
    '[::1]:8080',
    '[::1]',
  ]) {
    test(`may be ${host}`, async (t) => {
      const server = await listen(t)
      assert.deepEqual(await knock(t, server, { host }), { status: 101 })
    })
  }

  const FOREIGN = [
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    '192.168.1.20:8080',
    '[fe80::1]',
    'localhost@evil.example',
    'localhost/',
  ]
  for (const host of FOREIGN) {
    test(`may not be ${host}, not for a program either: it is refused with 403`, async (t) => {
      const server = await listen(t)
      const { status, text } = await knock(t, server, { host })
      assert.equal(status, 403)
      assert.ok(text.startsWith(`Host '${host}' may not use this server`), text)
    })
  }

  test('may be another one if that is allowed, whatever the port', async (t) => {
    const server = await listen(t, { allowedHosts: ['Build-Box', 'fe80::1', '10.0.0.7'] })
    for (const host of ['build-box', 'build-box:8080', '[fe80::1]:8080', '10.0.0.7'])
      assert.deepEqual(await knock(t, server, { host }), { status: 101 }, host)
    const { text } = await knock(t, server, { host: 'other-box:8080' })
    assert.match(text, /name 'other-box' in allowedHosts \(mcp-client serve: --allow-host\)\n$/)
  })

  test('may be the address that it is bound to, or at which the connection came in', async (t) => {
    const server = await listen(t, { host: '0.0.0.0' })
    assert.deepEqual(await knock(t, server, { host: `0.0.0.0:${server.port}` }), { status: 101 })
    await ready(t, server)
  })
})

describe('what can be no origin or no host is refused by name:', () => {
  const misfits = [
    [{ allowedOrigins: 'https://a.example' }, /"allowedOrigins" must be an array of strings, not 'https/],
    [{ allowedOrigins: [1] }, /"allowedOrigins" must be an array of strings/],
    [{ allowedOrigins: ['a.example'] }, /"allowedOrigins": 'a.example' is not an origin/],
    [
      { allowedOrigins: ['https://a.example/'] },
      /"allowedOrigins": 'https:\/\/a.example\/' is not an origin.*without a path/,
    ],
    [{ allowedOrigins: ['*'] }, /"allowedOrigins": '\*'/],
    [{ allowedOrigins: ['https://*.example'] }, /"allowedOrigins": 'https:/],
    [{ allowedHosts: 'a.example' }, /"allowedHosts" must be an array of strings/],
    [{ allowedHosts: ['a.example:80'] }, /"allowedHosts": 'a.example:80' is not a host.*without scheme and port/],
    [{ allowedHosts: ['http://a.example'] }, /"allowedHosts": 'http:/],
    [{ allowedHosts: ['*'] }, /"allowedHosts": '\*'/],
    [{ allowedHosts: ['.example'] }, /"allowedHosts": '.example'/],
    [{ allowedHosts: [''] }, /"allowedHosts": ''/],
  ]
  for (const [options, message] of misfits) {
    test(JSON.stringify(options), async () => {
      await assert.rejects(MCPTestServer.listen(options), { name: 'TypeError', message })
    })
  }
})

describe('in a browser', () => {
  let browser
  before(async () => {
    // Names of other machines that lead to this one: what an attacker's own name server can do.
    browser = await launchBrowser({ args: ['--host-resolver-rules=MAP *.example 127.0.0.1'] })
  })
  after(() => browser?.close())

  /** A site on this machine; pages of any name see it. */
  async function site(t) {
    const http = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>'),
    ).listen(0, '127.0.0.1')
    await once(http, 'listening')
    t.after(() => http.close())
    return http.address().port
  }

  /** A page that was loaded from there calls a tool; resolves with what it has come to. */
  async function callFrom(t, url, server) {
    const tab = await browser.newPage()
    t.after(() => tab.close())
    await tab.goto(url)
    return await tab.evaluate(callEcho, server)
  }

  /** Runs in the page. */
  function callEcho(server) {
    return new Promise((resolve) => {
      const socket = new WebSocket(server)
      socket.onopen = () => {
        socket.send('{"id":"auth","token":"anonymous"}')
        socket.send('{"id":"r","name":"echo","parameters":"secret"}')
      }
      socket.onmessage = ({ data }) => JSON.parse(data).id === 'r' && resolve(JSON.parse(data).results)
      socket.onclose = () => resolve('refused')
    })
  }

  test('a page of this machine calls a tool; one of another site does not, unless it is allowed', async (t) => {
    const port = await site(t)
    const server = await listen(t)
    assert.equal(await callFrom(t, `http://localhost:${port}/`, server.url), 'secret')
    const refused = once(server, 'refused')
    assert.equal(await callFrom(t, `http://evil.example:${port}/`, server.url), 'refused')
    assert.match((await refused)[0], new RegExp(`^Origin 'http://evil.example:${port}' `))
    assert.equal(server.requests.length, 1)
    const open = await listen(t, { allowedOrigins: [`http://evil.example:${port}`] })
    assert.equal(await callFrom(t, `http://evil.example:${port}/`, open.url), 'secret')
  })

  test('a name that its owner has let point to this machine is refused, even for a page that may connect', async (t) => {
    const port = await site(t)
    const server = await listen(t, { allowedOrigins: [`http://evil.example:${port}`] })
    const refused = once(server, 'refused')
    const rebound = server.url.replace('127.0.0.1', 'evil.example')
    assert.equal(await callFrom(t, `http://evil.example:${port}/`, rebound), 'refused')
    assert.match((await refused)[0], /^Host 'evil.example:\d+' /)
    assert.equal(server.connections.length, 0)
  })

  test('pages without an origin, from a file and in a sandbox, are refused', async (t) => {
    const server = await listen(t)
    const folder = await folderOf(t, {})
    await writeFile(join(folder, 'page.html'), '<!doctype html><title>page</title>')
    assert.equal(await callFrom(t, pathToFileURL(join(folder, 'page.html')).href, server.url), 'refused')

    const tab = await browser.newPage()
    t.after(() => tab.close())
    await tab.goto(`http://localhost:${await site(t)}/`)
    const refused = once(server, 'refused')
    await tab.evaluate((url) => {
      const frame = document.createElement('iframe')
      frame.sandbox = 'allow-scripts'
      frame.srcdoc = `<script>new WebSocket(${JSON.stringify(url)})</script>`
      document.body.append(frame)
    }, server.url)
    assert.match((await refused)[0], /^Origin 'null' /)
  })

  test('mcp-client serve refuses it too and says so once, and lets in what --allow-origin and --allow-host name', async (t) => {
    const port = await site(t)
    const page = `http://evil.example:${port}`
    const closed = await serve(t, ['--port', '0'])
    for (let i = 0; i < 2; i++) assert.equal(await callFrom(t, page, closed.url), 'refused')
    closed.child.kill()
    const { stderr } = await closed.ended
    assert.equal(
      stderr,
      `Refused: Origin '${page}' may not use this server. To let it in, name '${page}' in allowedOrigins (mcp-client serve: --allow-origin)\n`,
    )
    const flags = ['--allow-origin', 'https://other.example', '--allow-origin', page, '--allow-host', 'evil.example']
    const open = await serve(t, ['--port', '0', ...flags])
    assert.equal(await callFrom(t, page, open.url), 'secret')
    assert.equal(await callFrom(t, page, open.url.replace('127.0.0.1', 'evil.example')), 'secret')
  })
})
