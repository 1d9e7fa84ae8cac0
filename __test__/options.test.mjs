/** What options a client takes: kinds, ranges, names, the url. What each does is told elsewhere, by behaviour. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { defaultOptions } from './helpers/binary.mjs'
import { open } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'

function construct(options) {
  return new MCPClient({ url: DEAF_URL, autoConnect: false, ...options })
}

function assertRefused(options, type, ...words) {
  assert.throws(
    () => construct(options),
    (error) => {
      assert.equal(error.constructor, type, `${error}`)
      for (const word of words) assert.ok(error.message.includes(word), `"${error.message}" does not say "${word}"`)
      return true
    },
  )
}

describe('an option out of its range throws a RangeError that names it and its value', () => {
  const POSITIVE_MS = ['connectTimeout', 'authTimeout', 'heartbeatTimeout']
  const MS_OR_NONE = ['requestTimeout', 'heartbeatInterval']
  const MS = ['baseReconnectDelay', 'maxReconnectDelay', 'minUptime', 'maxRetryAfter', 'slowReconnectDelay']
  const COUNTS = ['maxPending', 'maxMessageSize', 'maxBufferedAmount']
  const misfits = {
    ...Object.fromEntries(POSITIVE_MS.map((name) => [name, [0, -1, 0.5, NaN, Infinity, 2 ** 31]])),
    ...Object.fromEntries(MS_OR_NONE.map((name) => [name, [-1, 0.5, NaN, Infinity, -Infinity, 2 ** 31]])),
    ...Object.fromEntries(MS.map((name) => [name, [-1, NaN, Infinity, 2 ** 31]])),
    ...Object.fromEntries(COUNTS.map((name) => [name, [0, -1, 1.5, NaN, Infinity, 2 ** 32]])),
    offlineQueueLimit: [-1, 1.5, NaN, Infinity],
    maxReconnectAttempts: [-1, 1.5, NaN, -Infinity],
    reconnectFactor: [0, 0.99, -1, NaN, Infinity],
    reconnectJitter: [-0.1, 1.1, NaN, Infinity, 'half'],
    dialect: ['esperanto', ''],
  }
  for (const [name, values] of Object.entries(misfits)) {
    test(name, () => {
      for (const value of values) assertRefused({ [name]: value }, RangeError, `"${name}"`, String(value))
    })
  }

  for (const name of ['slowReconnectCodes', 'noReconnectCodes']) {
    test(name, () => {
      for (const code of [0, 999, 5000, 1000.5, NaN, -1000])
        assertRefused({ [name]: [1000, code] }, RangeError, `"${name}"`)
    })
  }
})

describe('an option of the wrong kind throws a TypeError that names it', () => {
  const NUMBERS = [
    'connectTimeout',
    'authTimeout',
    'requestTimeout',
    'heartbeatInterval',
    'heartbeatTimeout',
    'maxReconnectAttempts',
    'baseReconnectDelay',
    'maxReconnectDelay',
    'reconnectFactor',
    'minUptime',
    'maxRetryAfter',
    'slowReconnectDelay',
    'maxPending',
    'offlineQueueLimit',
    'maxMessageSize',
    'maxBufferedAmount',
  ]
  const misfits = {
    ...Object.fromEntries(NUMBERS.map((name) => [name, ['5', null, true, {}, [], 5n, Symbol('five'), () => 5]])),
    reconnectJitter: [null, true, {}, [], 1n],
    slowReconnectCodes: [1008, '1008', null, {}, ['1008'], [null], [undefined]],
    noReconnectCodes: [1000, '1000', null, {}, ['1000'], [null], [undefined]],
    url: [5, null, {}, true, [5]],
    race: [1, 'true', null, {}],
    apiKey: [5, null, {}, [], true, 5n],
    autoConnect: ['false', 0, null],
    onMessage: ['log', {}, 5],
    headers: [
      'x: y',
      5,
      null,
      ['x', 'y'],
      { x: 5 },
      { x: null },
      () => ({}),
      NaN,
      new Map([['x', 'y']]),
      new Headers({ x: 'y' }),
    ],
    protocols: [5, null, {}, [5], ['a', null], () => 'a'],
    dialect: [5, null, ['auto']],
    tls: [5, null, 'x', []],
    compression: ['true', 1, null, {}, () => true],
    allowPlaintextKey: ['true', 1, null, {}],
  }
  for (const [name, values] of Object.entries(misfits)) {
    for (const value of values) {
      test(`${name}: ${describeValue(value)}`, () => assertRefused({ [name]: value }, TypeError, `"${name}"`))
    }
  }
})

test('a name that is no option throws a TypeError that names it', () => {
  for (const name of ['reconectDelay', 'timeout', 'URL', 'constructor', ''])
    assertRefused({ [name]: 1 }, TypeError, `unknown option "${name}"`)
  assertRefused(
    { heartbeatIntervall: 1 },
    TypeError,
    'unknown option "heartbeatIntervall", did you mean "heartbeatInterval"?',
  )
})

test('options that are no object throw a TypeError', () => {
  for (const options of [5, true, null, Symbol('options'), () => {}]) {
    if (typeof options !== 'function') assert.throws(() => new MCPClient(options), TypeError, String(options))
    assert.throws(() => new MCPClient(DEAF_URL, options), TypeError, `url and ${String(options)}`)
  }
})

test("the defaults are the guide's constants", () => {
  assert.deepEqual(defaultOptions(), {
    connectTimeout: 10_000,
    authTimeout: 10_000,
    requestTimeout: 30_000,
    heartbeatInterval: 15_000,
    heartbeatTimeout: 10_000,
    maxReconnectAttempts: 10,
    baseReconnectDelay: 1_000,
    maxReconnectDelay: 30_000,
    reconnectFactor: 1.5,
    reconnectJitter: 0.2,
    race: false,
    minUptime: 5_000,
    maxRetryAfter: 60_000,
    slowReconnectDelay: 5_000,
    slowReconnectCodes: [1008, 1011],
    noReconnectCodes: [1000],
    maxPending: 65_536,
    offlineQueueLimit: 1_024,
    maxMessageSize: 64 << 20,
    maxBufferedAmount: 16 << 20,
    compression: true,
    allowPlaintextKey: false,
    dialect: 'auto',
  })
})

test('options at the ends of their ranges, and undefined ones, are taken', () => {
  const largest = 2 ** 31 - 1
  const good = {
    connectTimeout: [1, largest, 1.5],
    authTimeout: [1, largest],
    requestTimeout: [0, 1, largest],
    heartbeatInterval: [0, 1, largest],
    heartbeatTimeout: [1, largest],
    maxReconnectAttempts: [0, 1, Infinity],
    baseReconnectDelay: [0, largest],
    maxReconnectDelay: [0, largest],
    reconnectFactor: [1, 1000],
    reconnectJitter: [0, 1, 'full'],
    minUptime: [0, largest],
    maxRetryAfter: [0, largest],
    slowReconnectDelay: [0, largest],
    slowReconnectCodes: [[], [1000, 4999]],
    noReconnectCodes: [[], [1000, 4999]],
    maxPending: [1, 2 ** 32 - 1],
    offlineQueueLimit: [0, 2 ** 32 - 1],
    maxMessageSize: [1],
    maxBufferedAmount: [1],
    headers: [{}, { 'x-team': 'blue' }, Object.create(null)],
    protocols: ['a', [], ['a', 'b']],
    proxy: [false, 'http://proxy:3128', 'socks5h://u:p@proxy', new URL('https://proxy'), 'proxy:3128', () => false],
    dialect: ['auto', 'guide', 'event'],
    tls: [{}, { rejectUnauthorized: false, minVersion: 'TLSv1.3', servername: 'h' }, { ca: undefined }],
    compression: [true, false],
    allowPlaintextKey: [true, false],
    apiKey: ['key', () => 'key'],
    race: [true, false],
    autoConnect: [false],
    onMessage: [null, () => {}],
  }
  for (const [name, values] of Object.entries(good)) {
    for (const value of [...values, undefined]) construct(name === 'autoConnect' ? {} : { [name]: value })
  }
})

test('headers and subprotocols that HTTP does not allow throw a TypeError that names the option, not the value of a header', () => {
  for (const [name, value] of [
    ['a b', 'x'],
    ['', 'x'],
    ['Upgrade', 'x'],
    ['sec-websocket-key', 'x'],
    ['x-secret', 'hunter2\r\nx: y'],
  ]) {
    assertRefused({ headers: { [name]: value } }, TypeError, '"headers"', name)
  }
  assert.throws(
    () => construct({ headers: { 'x-secret': 'hunter2\n' } }),
    (error) => !error.message.includes('hunter2'),
  )
  for (const protocol of ['a b', '', 'ü', 'a,b']) assertRefused({ protocols: [protocol] }, TypeError, '"protocols"')
})

test('a key that no server can mean is refused by name', () => {
  assertRefused({ apiKey: '' }, TypeError, 'option "apiKey" is empty')
  for (const apiKey of ['key\n', 'key\r\n', '\nkey', 'k\ney'])
    assertRefused({ apiKey }, TypeError, 'option "apiKey" contains a line break', 'trim()')
})

test('a proxy that cannot be used throws a TypeError that names the option and the remedy, never a password', () => {
  assertRefused({ proxy: 'ftp://u:hunter2@proxy' }, TypeError, '"proxy"', '"ftp"', 'use http, https, socks5 or socks5h')
  for (const proxy of ['', 'http://', 'http://u:hunter2@', 'http://u:hunter2/3@proxy', 'http://proxy:99999', 'a b'])
    assertRefused({ proxy }, TypeError, '"proxy"', 'http://user:password@host:port')
  for (const proxy of [true, null, 3128, [], ['http://hunter2@proxy'], { url: 'http://hunter2@proxy' }, Symbol('p')])
    assertRefused({ proxy }, TypeError, '"proxy"', 'false for none')
  for (const proxy of ['ftp://u:hunter2@proxy', 'http://u:hunter2@', ['http://hunter2@proxy']])
    assert.throws(
      () => construct({ proxy }),
      (error) => !error.message.includes('hunter2'),
    )
})

test('several endpoints, or a function that gives them, are taken; none, and one twice, are refused', () => {
  construct({ url: ['ws://one.example', 'ws://two.example'] })
  construct({ url: () => DEAF_URL })
  assertRefused({ url: [DEAF_URL, DEAF_URL] }, TypeError, '"url"', 'twice', 'leave one out')
  assertRefused({ url: [] }, TypeError, '"url"')
  assert.equal(construct({ url: [DEAF_URL] }).url, DEAF_URL)
})

describe('the url', () => {
  const urls = {
    'ws://example.com/mcp-ws': 'ws://example.com/mcp-ws',
    'wss://example.com/mcp-ws': 'wss://example.com/mcp-ws',
    'http://example.com/mcp-ws': 'ws://example.com/mcp-ws',
    'https://example.com/mcp-ws': 'wss://example.com/mcp-ws',
    'HTTPS://EXAMPLE.COM/Path': 'wss://example.com/Path',
    'wss://example.com': 'wss://example.com/mcp-ws',
    'wss://example.com/': 'wss://example.com/mcp-ws',
    'wss://example.com/other': 'wss://example.com/other',
    'wss://example.com/other/': 'wss://example.com/other/',
    'wss://example.com?team=blue': 'wss://example.com/mcp-ws?team=blue',
    'wss://example.com:8443': 'wss://example.com:8443/mcp-ws',
    'http://example.com:80': 'ws://example.com/mcp-ws',
    'https://example.com:443': 'wss://example.com/mcp-ws',
    'http://example.com:443': 'ws://example.com:443/mcp-ws',
    'wss://example.com/mcp-ws#part': 'wss://example.com/mcp-ws',
    'example.com': 'wss://example.com/mcp-ws',
    'example.com:8080': 'wss://example.com:8080/mcp-ws',
    'example.com/other': 'wss://example.com/other',
    '  example.com\n': 'wss://example.com/mcp-ws',
    'müller.example': 'wss://xn--mller-kva.example/mcp-ws',
    localhost: 'ws://localhost/mcp-ws',
    'localhost:3000': 'ws://localhost:3000/mcp-ws',
    'api.localhost:3000': 'ws://api.localhost:3000/mcp-ws',
    '127.0.0.1:3000': 'ws://127.0.0.1:3000/mcp-ws',
    '127.8.9.10': 'ws://127.8.9.10/mcp-ws',
    '[::1]:3000': 'ws://[::1]:3000/mcp-ws',
    'https://localhost:3000': 'wss://localhost:3000/mcp-ws',
    'localhost.example.com': 'wss://localhost.example.com/mcp-ws',
    '127.0.0.1.example.com': 'wss://127.0.0.1.example.com/mcp-ws',
    '10.0.0.1:3000': 'wss://10.0.0.1:3000/mcp-ws',
    '[::2]': 'wss://[::2]/mcp-ws',
  }
  for (const [given, used] of Object.entries(urls)) {
    test(`${JSON.stringify(given)} is ${used}`, () => {
      const client = construct({ url: given })
      assert.equal(client.url, used)
      assert.equal(client.snapshot.url, used.split('?')[0])
    })
  }

  test('may be a URL, and may stand before the options', () => {
    assert.equal(construct({ url: new URL('https://example.com') }).url, 'wss://example.com/mcp-ws')
    assert.equal(new MCPClient('example.com', { autoConnect: false }).url, 'wss://example.com/mcp-ws')
    assert.equal(new MCPClient(new URL('http://example.com/x'), { autoConnect: false }).url, 'ws://example.com/x')
  })

  for (const url of ['', ' ', 'ws://', 'http://', 'ws://a b/', 'host:port', 'host:99999', '::1', '[::1']) {
    test(`${JSON.stringify(url)} is no url`, () => assertRefused({ url }, TypeError, '"url"'))
  }

  test('that is only a path is refused where there is no page, without its query', () => {
    for (const url of ['/mcp-ws', '/', '/mcp-ws?key=hunter2', '//example.com/mcp-ws', '/#hunter2'])
      assertRefused({ url }, TypeError, 'option "url" is only a path', 'wss://example.com/mcp-ws')
    assert.throws(
      () => construct({ url: '/mcp-ws?key=hunter2' }),
      (error) => !error.message.includes('hunter2'),
    )
  })

  test('of another scheme is refused', () => {
    for (const url of ['ftp://example.com', 'file:///etc/passwd', 'wsss://example.com'])
      assertRefused({ url }, TypeError, '"url"', 'ws, wss, http or https')
  })

  test('with credentials is refused without telling them', () => {
    for (const url of [
      'wss://user:hunter2@example.com',
      'hunter2@example.com',
      'http://:hunter2@example.com',
      'wss://user:hunter2@exa mple.com',
    ]) {
      assertRefused({ url }, TypeError, '"url"')
      assert.throws(
        () => construct({ url }),
        (error) => !error.message.includes('hunter2') && !error.stack.includes('hunter2'),
      )
    }
  })
})

describe('what is not given', () => {
  async function urlIn(t, { env, location, url }) {
    const [told] = await run(
      t,
      ({ MCPClient, tell, input: { location, url } }) => {
        if (location) globalThis.location = location
        try {
          tell({ url: new MCPClient({ url, autoConnect: false }).url })
        } catch ({ name, message }) {
          tell({ name, message })
        }
      },
      { location, url },
      { env },
    )
    return told
  }

  test('the url is MCP_WS_URL', async (t) => {
    const env = { MCP_WS_URL: 'https://example.com' }
    assert.deepEqual(await urlIn(t, { env }), { url: 'wss://example.com/mcp-ws' })
    assert.deepEqual(await urlIn(t, { env, url: 'localhost' }), { url: 'ws://localhost/mcp-ws' })
    assert.deepEqual(await urlIn(t, { env, location: { protocol: 'http:', host: 'page.example' } }), {
      url: 'wss://example.com/mcp-ws',
    })
  })

  test('else the url is derived from the page', async (t) => {
    const at = (protocol, host) => urlIn(t, { location: { protocol, host } })
    assert.deepEqual(await at('https:', 'page.example:8443'), { url: 'wss://page.example:8443/mcp-ws' })
    assert.deepEqual(await at('http:', 'page.example'), { url: 'ws://page.example/mcp-ws' })
    assert.equal((await at('file:', '')).name, 'TypeError')
    assert.equal((await at('app:', 'page')).name, 'TypeError')
  })

  test('a url that is only a path is one of the page', async (t) => {
    const location = { protocol: 'https:', host: 'page.example:8443' }
    assert.deepEqual(await urlIn(t, { location, url: '/other?team=blue' }), {
      url: 'wss://page.example:8443/other?team=blue',
    })
    assert.deepEqual(await urlIn(t, { location, url: '/' }), { url: 'wss://page.example:8443/mcp-ws' })
    assert.deepEqual(await urlIn(t, { location, url: '//other.example/x' }), { url: 'wss://other.example/x' })
  })

  test('a key with a line break is refused by the name of its variable', async (t) => {
    const { name, message } = await urlIn(t, { env: { MCP_WS_URL: 'localhost', MCP_API_KEY: 'hunter2\n' } })
    assert.equal(name, 'TypeError')
    assert.match(message, /^\$MCP_API_KEY contains a line break/)
    assert.doesNotMatch(message, /hunter2/)
  })

  test('else a TypeError says what to do', async (t) => {
    for (const env of [{}, { MCP_WS_URL: '' }]) {
      const { name, message } = await urlIn(t, { env })
      assert.equal(name, 'TypeError')
      assert.match(message, /"url" is missing.*MCP_WS_URL/)
    }
  })
})

test('without autoConnect nothing is dialed', async (t) => {
  const client = open(t, DEAF_URL, { autoConnect: false })
  assert.equal(client.state, 'idle')
  assert.equal(open(t, DEAF_URL).state, 'connecting')
})

function describeValue(value) {
  if (typeof value === 'function' || typeof value === 'symbol') return String(value)
  if (typeof value === 'bigint') return `${value}n`
  return `${value?.constructor?.name ?? ''} ${Number.isNaN(value) ? 'NaN' : JSON.stringify(value)}`.trim()
}
