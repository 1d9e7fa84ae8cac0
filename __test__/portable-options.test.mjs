/**
 * The options of the portable client, which JavaScript checks by the core's table, because the core is not there yet:
 * of whatever is given, it and the addon say the same. Only what a WebSocket of the browser or runtime cannot do is
 * refused by one of them alone.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { MCPClient as PortableClient } from '@mcp-integration/client/portable'
import { defaultOptions } from './helpers/binary.mjs'
import { DEAF_URL } from './helpers/ports.mjs'

/** What is given for each option, whatever its kind. */
const VALUES = [
  ...[0, -0, 1, -1, 0.5, 1.5, 1000, 1000.5, 4999, 5000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 1e300],
  ...[NaN, Infinity, -Infinity, '', ' ', '5', 'full', 'half', 'auto', 'guide', 'a b', 'ü', 'key\n', 'x'.repeat(200)],
  ...[null, true, false, 5n, Symbol('s'), () => 5, {}, { x: 5 }, new Date(0), new Map([['x', 'y']])],
  ...[[], [5], ['a'], ['a', 'b'], ['a', null], ['a', 'b c'], ['a', ''], [undefined], [[1000]], [{}]],
  ...[[1000], [1000, 999], [1000, 5000], [1000.5], [NaN], ['1000']],
  ...['wss://example.com', 'ftp://example.com', 'wss://user:hunter2@example.com', new URL('https://example.com')],
  ...[
    ['wss://a.example', 'wss://b.example'],
    ['wss://a.example?key=hunter2', 'wss://a.example?key=hunter2'],
  ],
]

/** In each, another one is at fault, and both name the same. */
const OF_SEVERAL = [
  { requestTimeout: -1, authTimeout: 'x' },
  { zzz: 1, authTimeout: -1 },
  { authTimeuot: 1 },
  { URL: DEAF_URL },
  { constructor: 1 },
  { '': 1 },
]

/** In no portable client. */
const REFUSED = ['headers', 'tls', 'proxy', 'maxRetryAfter']
const OF_THE_CORE = Object.keys(defaultOptions()).filter((name) => !REFUSED.includes(name))
const NAMES = [...OF_THE_CORE, 'url', 'apiKey', 'protocols', 'autoConnect', 'onMessage', 'unknown']

/** What the constructor says. */
function saidBy(Client, options) {
  try {
    new Client({ url: DEAF_URL, autoConnect: false, ...options })
    return 'nothing'
  } catch ({ name, message }) {
    return `${name}: ${message}`
  }
}

/** Allowed with the addon only, or a reason to connect. */
const LEFT_OUT = { compression: false, autoConnect: true }

describe('the portable client and that of the addon say the same', () => {
  for (const name of NAMES) {
    test(`of whatever is given as ${name}`, () => {
      const values = VALUES.filter((value) => value !== LEFT_OUT[name])
      const said = values.map((value) => saidBy(PortableClient, { [name]: value }))
      assert.deepEqual(
        said,
        values.map((value) => saidBy(MCPClient, { [name]: value })),
      )
      assert.ok(
        said.some((words) => words.includes(`"${name}"`)),
        'some are refused',
      )
    })
  }

  test('of several options', () => {
    for (const options of OF_SEVERAL) {
      const said = saidBy(PortableClient, options)
      assert.match(said, /^(Type|Range)Error/)
      assert.equal(said, saidBy(MCPClient, options))
    }
  })
})

describe('the portable client refuses, in Node.js not as what it is in a page,', () => {
  for (const name of REFUSED) {
    test(`whatever is given as ${name}`, () => {
      for (const value of VALUES) {
        const said = saidBy(PortableClient, { [name]: value })
        assert.match(said, new RegExp(`^TypeError: option "${name}" cannot be used with the portable client: `))
        assert.match(said, /; leave it out$/)
      }
    })
  }

  test('compression: false', () => {
    assert.match(
      saidBy(PortableClient, { compression: false }),
      /^TypeError: option "compression" cannot be false with the portable client: .*; leave it out$/,
    )
    assert.equal(saidBy(PortableClient, { compression: true }), 'nothing')
  })

  test('but takes each if it is undefined', () => {
    for (const name of [...REFUSED, 'compression'])
      assert.equal(saidBy(PortableClient, { [name]: undefined }), 'nothing')
  })
})
