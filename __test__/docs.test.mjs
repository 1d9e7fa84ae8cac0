/** The documents: every block of code runs, every table says what the code says, every link leads somewhere. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { MCPClient } from '@mcp-integration/client'
import { FaultProxy, MCPTestServer } from '@mcp-integration/client/testing'
import { ERROR_CODES } from '../dist/shared/native-types.js'
import { bridged, rawServer } from './helpers/bridge.mjs'
import { defaultOptions } from './helpers/binary.mjs'
import { launchBrowser } from './helpers/browser.mjs'
import { runCli } from './helpers/cli.mjs'
import { next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { play } from './helpers/conversation.mjs'
import { codesOf, headingsOf, linksOf, parseDocument, tablesUnder } from './helpers/markdown.mjs'
import { entryIn } from './helpers/host-entries.mjs'
import { folderOf } from './helpers/documents.mjs'
import { SITUATIONS } from './helpers/networks-page.mjs'
import { listenMcp } from './helpers/mcp-server.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { start } from './helpers/program.mjs'
import { checkImportMap, runInPage, runUnderPolicy } from './helpers/page-snippets.mjs'
import { ROOT } from './helpers/root.mjs'
import {
  ANY_MCP_SERVER,
  compileForElectron,
  compileForPage,
  LOCAL_SERVER,
  runInClone,
  runJavaScript,
  runJsx,
  runShell,
  runTypeScript,
} from './helpers/snippets.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const NAMES = ['.', '.github', 'docs', 'examples'].flatMap(markdownIn)
const DOCUMENTS = new Map(NAMES.map((name) => [name, parseDocument(name, read(name))]))
const [README, PROTOCOL, CONTRIBUTING] = ['README.md', 'PROTOCOL.md', 'CONTRIBUTING.md'].map((name) =>
  DOCUMENTS.get(name),
)
const [CALLS, OPTIONS, STATES_PAGE, EVENTS, TESTING, COMMAND_LINE] = [
  'calls',
  'options',
  'states',
  'events',
  'testing',
  'cli',
].map((name) => DOCUMENTS.get(join('docs', `${name}.md`)))

function markdownIn(folder) {
  if (!existsSync(join(ROOT, folder))) return []
  return readdirSync(join(ROOT, folder), { recursive: folder !== '.' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => normalize(join(folder, name)))
    .sort()
}

function read(path) {
  return readFileSync(join(ROOT, path), 'utf8')
}

describe('every block of code runs', AT_ONCE, () => {
  let browser
  const chromium = () => (browser ??= launchBrowser())
  after(async () => (await browser)?.close())
  const withServer = (run) => async (t, block) => run(t, block, await serverFor(t, block))
  const RUNNERS = {
    js: withServer(runJavaScript),
    cjs: withServer(runJavaScript),
    jsx: withServer(runJsx),
    ts: withServer(runTypeScript),
    'js page': async (t, block) => runInPage(t, await chromium(), block),
    http: async (t, block) => runUnderPolicy(t, await chromium(), block),
    html: (_t, block) => checkImportMap(block),
    'ts electron': compileForElectron,
    'ts page': compileForPage,
    'tsx page': compileForPage,
    sh: withServer(runShell),
    wire: (t, { code }) => play(t, code),
    json: (_t, { code }) => JSON.parse(code),
    toml: (_t, block) => assert.ok(entryIn(block).command),
    tree: (_t, { code }) => checkTree(code),
  }
  for (const { name, blocks } of DOCUMENTS.values()) {
    for (const block of blocks.filter(({ variant }) => variant !== 'guide')) {
      const { language, variant, line } = block
      test(`${name}:${line} (${[language, variant].filter(Boolean).join(' ') || 'no language'})`, async (t) => {
        const run = RUNNERS[[language, variant].filter(Boolean).join(' ')]
        assert.ok(run, 'the tests do not know how to run such a block: see CONTRIBUTING.md, "Documents"')
        await run(t, block)
      })
    }
    const page = blocks.filter(({ variant }) => variant === 'guide')
    if (page.length === 0) continue
    for (const socket of ['ws', 'MCPClient'])
      test(`${name}: the page of the guide, over ${socket}`, (t) => runPage(t, page, socket))
  }
})

/** The server of the platform, and if the block needs one, that of MCP. */
async function serverFor(t, { code }) {
  const { url } = await listen(t)
  return { url, ...(code.includes(ANY_MCP_SERVER) && { mcpUrl: (await listenMcp(t)).url }) }
}

/** Each line is a path, two spaces or more, a remark; what is indented lies in the folder above it. */
function checkTree(code) {
  const folders = []
  for (const line of code.trimEnd().split('\n')) {
    const [, indent, name] = /^( *)(\S+)(?:  .*)?$/.exec(line) ?? assert.fail(`not a line of a tree: ${line}`)
    folders.length = indent.length / 2
    const path = join(...folders, name)
    assert.ok(existsSync(join(ROOT, path)), `there is no ${path}`)
    folders.push(name)
  }
}

/**
 * The guide's code as the scripts of one page: it connects, authenticates, calls a tool and pings; over a plain
 * WebSocket it also comes back after a drop (the client does that by itself). The page's clock runs a hundred times as
 * fast.
 */
async function runPage(t, blocks, socket) {
  const server = await listen(t)
  const isPing = (text) => JSON.parse(text).messageType === 'ping'
  const pinged = new Promise((resolve) => server.on('message', (text) => isPing(text) && resolve()))
  const page = start(t, openPage, { blocks, socket, host: new URL(server.url).host })
  let index = 0
  const printed = async (pattern) => {
    while (!pattern.test(await page.told(index++)));
  }
  await printed(/^Connected to MCP WebSocket server$/)
  assert.equal((await server.nextRequest()).name, 'web_search')
  await printed(/^Tool response \(req_\d+_\w+\): .*items/s)
  if (socket !== 'ws') return
  await pinged
  await server.terminateAll()
  await printed(/^WebSocket closed: 1006 \(Abnormal closure\)$/)
  await printed(/^Connected to MCP WebSocket server$/)
  await printed(/^Tool response/)
}

/** The page. It runs in a process of its own and knows nothing but its argument. */
async function openPage({ MCPClient, input, tell }) {
  const { WebSocket } = await import('ws')
  const { format } = await import('node:util')
  const { runInThisContext } = await import('node:vm')
  const { setTimeout, setInterval } = globalThis
  const say = (...words) => tell(format(...words))
  Object.assign(globalThis, {
    WebSocket: input.socket === 'ws' ? WebSocket : MCPClient,
    window: { location: { protocol: 'http:', host: input.host } },
    console: { log: say, warn: say, error: say },
    // But for the wait for a pong: a slow machine is not a dead one.
    setTimeout: (act, ms) => setTimeout(act, ms < 10_000 ? ms / 100 : ms),
    setInterval: (act, ms) => setInterval(act, ms / 100),
  })
  for (const { code, document, line } of input.blocks)
    runInThisContext(code, { filename: document, lineOffset: line - 1 })
  runInThisContext('connect()')
}

describe('the README', () => {
  test('is short enough to be read in five minutes', () => {
    const lines = read('README.md').trimEnd().split('\n').length
    assert.ok(lines <= 250, `${lines} lines`)
  })

  test('has a first call that runs as pasted in a clone, too', async (t) => {
    const block = README.blocks.find(({ code }) => code.includes(LOCAL_SERVER))
    await runInClone(t, block, await listen(t))
  })

  test('makes that call to the address where `mcp-client serve` listens', async () => {
    const { stdout } = await runCli(['call', '--help'])
    assert.ok(stdout.includes(LOCAL_SERVER), stdout)
  })

  test('starts that server with npx --no, which runs the command of this package in a clone', async (t) => {
    // An empty cache and no network: what it finds is what the clone has.
    const env = { ...process.env, npm_config_cache: await folderOf(t, {}), npm_config_offline: 'true' }
    const options = { cwd: ROOT, env, shell: process.platform === 'win32' }
    const { stdout } = await promisify(execFile)('npx', ['--no', 'mcp-client', 'serve', '--help'], options)
    assert.match(stdout, /^Usage: mcp-client serve/)
  })
})

describe('links', () => {
  for (const document of DOCUMENTS.values()) {
    test(`all links of ${document.name} lead somewhere`, () => {
      for (const target of linksOf(document)) {
        if (/^https:\/\//.test(target)) continue
        const [path, anchor] = target.split('#')
        const name = path === '' ? document.name : join(dirname(document.name), path)
        assert.ok(existsSync(join(ROOT, name)), `${target}: there is no such file`)
        if (anchor === undefined) continue
        const anchors = headingsOf(DOCUMENTS.get(name)).map((heading) => heading.anchor)
        assert.ok(anchors.includes(anchor), `${target}: there is no such heading`)
      }
    })
  }
})

describe('the tables of options', () => {
  const names = (rows) => rows.map(({ option }) => codesOf(option)[0])

  test('those of MCPClient are all there, with the defaults of the native core', async () => {
    const [rows] = tablesUnder(OPTIONS, 'Options')
    assert.deepEqual(names(rows).sort(), membersOf('js/shared/types.ts', 'MCPClientOptions').sort())
    const documented = Object.fromEntries(
      rows.map(({ option, default: text }) => [codesOf(option)[0], codesOf(text)[0]]),
    )
    for (const [name, value] of Object.entries(defaultOptions())) {
      assert.deepEqual(JSON.parse(JSON.stringify(runInNewContext(`(${documented[name]})`))), value, name)
    }
    for (const [name, value] of Object.entries({ autoConnect: true, onMessage: null }))
      assert.equal(documented[name], String(value))
  })

  test('the @default of each option in the types is that of the native core', async () => {
    const source = read('js/shared/types.ts')
    for (const [name, value] of Object.entries(defaultOptions())) {
      const [, text] =
        new RegExp(`@default ([^*]*?) \\*/\\n  ${name}\\?:`).exec(source) ?? assert.fail(`${name} has no @default`)
      assert.deepEqual(JSON.parse(text.replaceAll("'", '"')), value, name)
    }
  })

  test('those of useTool are all there', async () => {
    const client = new MCPClient({ url: DEAF_URL, autoConnect: false })
    const { message } = await rejection(client.useTool('echo', {}, { nonsense: 1 }))
    const [rows] = tablesUnder(CALLS, 'Calling a tool')
    assert.deepEqual(names(rows), /use (.*)$/.exec(message)[1].split(', '))
  })

  test('those of MCPTestServer are all there', async () => {
    const { message } = await rejection(MCPTestServer.listen({ nonsense: 1 }))
    const [rows] = tablesUnder(TESTING, 'MCPTestServer')
    assert.deepEqual(names(rows), /: use (.*)$/.exec(message)[1].split(', '))
  })

  test('those of FaultProxy are all there, and each fault with its default', async () => {
    const [options, faults] = tablesUnder(TESTING, 'FaultProxy')
    const { message } = await rejection(FaultProxy.listen({ nonsense: 1 }))
    assert.deepEqual(names(options), /: use (.*)$/.exec(message)[1].split(', '))
    const source = read('js/testing/faults/types.ts')
    assert.deepEqual(
      faults.map(({ fault }) => codesOf(fault)[0]),
      membersOf('js/testing/faults/types.ts', 'DirectionFaults'),
    )
    for (const { fault, default: value } of faults) {
      const [, text] = new RegExp(`@default (.*)\\n   \\*/\\n  ${codesOf(fault)[0]}\\?:`).exec(source)
      assert.equal(text, codesOf(value)[0], fault)
    }
  })

  test('those of the command line are all there', async () => {
    const [rows] = tablesUnder(COMMAND_LINE, 'Options')
    const { stdout: help } = await runCli(['--help'])
    const [, listed] = /\nCommands:\n([^]*?)\n\n/.exec(help)
    const commands = [...listed.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name).filter((name) => name !== 'help')
    assert.ok(commands.length > 2, help)
    for (const command of commands) {
      const { stdout } = await runCli([command, '--help'])
      const flags = new Set([...stdout.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag]) => flag))
      const documented = rows.filter((row) => codesOf(row.command)[0] === command)
      assert.deepEqual(new Set(documented.flatMap(({ option }) => codesOf(option))), flags, command)
    }
  })
})

/** The names of the members of an interface. */
function membersOf(path, name) {
  const [, body] = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(read(path))
  return [...body.matchAll(/^  (?:readonly )?(\w+)\??:/gm)].map(([, member]) => member)
}

/** The literals of a union of strings. */
function literalsOf(path, name) {
  const [, body] = new RegExp(`export type ${name} =((?:\\n  \\| .*)+)`).exec(read(path))
  return [...body.matchAll(/'([^']+)'/g)].map(([, literal]) => literal)
}

test('each row of docs/networks.md is shown by a test', () => {
  const tests = readdirSync(join(ROOT, '__test__'), { recursive: true }).filter((name) => name.endsWith('.test.mjs'))
  const shown = tests.filter((name) => name !== 'docs.test.mjs').map((name) => read(join('__test__', name)))
  assert.ok(SITUATIONS.length > 40)
  assert.deepEqual(
    SITUATIONS.filter((situation) => !shown.some((text) => text.includes(situation))),
    [],
  )
  assert.equal(new Set(SITUATIONS).size, SITUATIONS.length)
})

test('the table of events has every event', () => {
  const [rows] = tablesUnder(EVENTS, 'Events')
  assert.deepEqual(
    rows.map(({ event }) => codesOf(event)[0]),
    membersOf('js/shared/types.ts', 'MCPClientEvents'),
  )
})

for (const Class of [MCPTestServer, FaultProxy]) {
  test(`the table of ${Class.name} has every member`, () => {
    const rows = tablesUnder(TESTING, Class.name).find(([row]) => 'member' in row)
    const documented = rows.flatMap(({ member }) => codesOf(member).map((code) => code.replace(/\(.*/, '')))
    const members = Object.getOwnPropertyNames(Class.prototype).filter((name) => name !== 'constructor')
    assert.deepEqual(documented.sort(), members.sort())
  })
}

describe('the states', () => {
  const STATES = literalsOf('js/shared/native-types.ts', 'ConnectionState')
  const [states] = tablesUnder(STATES_PAGE, 'The states')
  const [transitions] = tablesUnder(PROTOCOL, 'States and transitions')

  test('the table has those of the native core', () => {
    assert.deepEqual(
      states.map(({ state }) => codesOf(state)[0]),
      STATES,
    )
  })

  test('the transitions are those that the simulator holds the native core to', () => {
    const [, graph] = read('crates/sim/src/ledger.rs').split('fn may_follow')
    const stringsIn = (code) => [...code.matchAll(/"(\w+)"/g)].map(([, state]) => state)
    const rows = [...graph.matchAll(/^ *("[^=]*) => (?:\{\s*)?&\[([^\]]*)\]/gm)]
    const allowed = rows.flatMap(([, from, to]) =>
      stringsIn(from).flatMap((state) => stringsIn(to).map((next) => `${state} → ${next}`)),
    )
    assert.deepEqual(transitions.map(stepOf).sort(), allowed.sort())
  })

  test('a client that goes through all of them shows the readyState of the table and takes no way that is not documented', async (t) => {
    const server = await listen(t)
    const seen = new Set(['idle'])
    const allowed = new Set(transitions.map(stepOf))
    const watch = (client) =>
      client.on('state', ({ state }, previous) => {
        seen.add(state)
        assert.ok(allowed.has(`${previous} → ${state}`), `${previous} → ${state}`)
        // A command's own change is visible before it is told.
        if (client.state === state) assertReadyState(client)
      })

    const client = watch(open(t, server, { autoConnect: false }))
    assertReadyState(client)
    await client.connect()
    await client.reconnect()
    server.setTokens(['another'])
    await rejection(client.authenticate())
    server.setTokens(undefined)
    await client.authenticate()
    // From before the end on: the client may be ready again before the server has told it.
    const lost = reached(client, 'reconnecting')
    await server.terminateAll()
    await lost
    await client.connect()
    await client.close()
    await client.connect()
    await server.closeAll(1000)
    await reached(client, 'closed')

    server.refuseUpgrades(401)
    const refused = watch(open(t, server))
    await rejection(refused.connect())
    assert.equal(refused.readyState, 3)

    const failing = watch(open(t, DEAF_URL, { maxReconnectAttempts: 1 }))
    await rejection(failing.connect())
    assert.deepEqual([...seen].sort(), [...STATES].sort())
  })

  function stepOf({ from, to }) {
    return `${codesOf(from)} → ${codesOf(to)}`
  }

  function assertReadyState(client) {
    const row = states.find(({ state }) => codesOf(state)[0] === client.state)
    const [number] = row.readyState.match(/\d/)
    assert.equal(
      client.readyState,
      client.connected || client.state !== 'unauthorized' ? Number(number) : 3,
      client.state,
    )
  }
})

describe('the order of events', AT_ONCE, () => {
  const [rows] = tablesUnder(PROTOCOL, 'Order of events')
  const LONG = { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 }
  /** Each hands out a client and makes the thing happen to it. */
  const SCENES = {
    'a connection succeeds': async (t) => open(t, await listen(t), { autoConnect: false }),
    'the token is refused': async (t) => open(t, await listen(t, { tokens: ['another'] }), { autoConnect: false }),
    'the connection is lost': async (t) => {
      const server = await listen(t)
      return [await ready(t, server, LONG), () => server.terminateAll()]
    },
    'a dial fails': async (t) => open(t, DEAF_URL, { ...LONG, autoConnect: false }),
    'it was the last attempt': async (t) => open(t, DEAF_URL, { maxReconnectAttempts: 0, autoConnect: false }),
    'the server closes with 1000': async (t) => {
      const server = await listen(t)
      return [await ready(t, server), () => server.closeAll(1000)]
    },
    '`close()`': async (t) => {
      const client = await ready(t, await listen(t))
      return [client, () => client.close()]
    },
  }

  for (const { 'what happens': what, 'events, in this order': list } of rows) {
    test(what.replaceAll('`', ''), async (t) => {
      const scene = await SCENES[what](t)
      const [client, act] = Array.isArray(scene) ? scene : [scene, () => client.connect().catch(() => {})]
      const expected = list.split(', ').map((event) => event.replaceAll('`', ''))
      const told = record(client, [
        'state',
        'open',
        'authenticated',
        'message',
        'close',
        'reconnecting',
        'failed',
        'error',
      ])
      const last = next(client, expected.at(-1))
      // It may wait for what never comes.
      void act()
      await last
      const names = told.map(([event, detail]) => (event === 'state' ? `state ${detail.state}` : event))
      assert.deepEqual(names.slice(names.indexOf(expected[0])), expected)
    })
  }

  test('every row has its scene', () => {
    assert.deepEqual(rows.map((row) => row['what happens']).sort(), Object.keys(SCENES).sort())
  })
})

describe('the errors', AT_ONCE, () => {
  const [rows] = tablesUnder(README, 'Errors')
  const documented = new Map(rows.map(({ code, retryable }) => [codesOf(code)[0], retryable]))

  test('the table has every code of the native core, and says of each whether it is retryable', () => {
    assert.deepEqual([...documented.keys()], literalsOf('js/shared/native-types.ts', 'ErrorCode'))
    for (const [code, retryable] of documented)
      assert.match(retryable, ERROR_CODES[code].retryable ? /^yes/ : /^no/, code)
  })

  /** Each makes an error of its code. */
  const CAUSES = {
    NOT_CONNECTED: async (t) => open(t, DEAF_URL, { autoConnect: false }).useTool('echo'),
    CONNECT_FAILED: async (t) => open(t, DEAF_URL, { maxReconnectAttempts: 0 }).connect(),
    AUTH_FAILED: async (t) => open(t, await listen(t, { tokens: ['another'] })).connect(),
    AUTH_TIMEOUT: async (t) => {
      const server = await listen(t)
      server.intercept(() => true)
      await open(t, server, { authTimeout: 20, maxReconnectAttempts: 0 }).connect()
    },
    CONNECTION_LOST: async (t) => {
      const server = await listen(t)
      const call = open(t, server).useTool('sleep', { ms: 60_000 })
      void server.nextRequest().then(() => server.terminateAll())
      await call
    },
    RECONNECT_EXHAUSTED: async (t) => open(t, DEAF_URL, { maxReconnectAttempts: 1 }).connect(),
    REQUEST_TIMEOUT: async (t) => open(t, await listen(t)).useTool('sleep', { ms: 60_000 }, { timeout: 50 }),
    TOOL_ERROR: async (t) => open(t, await listen(t)).useTool('fail'),
    CLOSED: async (t) => {
      const client = await ready(t, await listen(t))
      const call = client.useTool('sleep', { ms: 60_000 })
      void client.close()
      await call
    },
    QUEUE_FULL: async (t) => {
      const client = open(t, await silentUrl(t), { offlineQueueLimit: 1 })
      client.useTool('echo').catch(() => {})
      await client.useTool('echo')
    },
    MESSAGE_TOO_LARGE: async (t) =>
      open(t, await listen(t), { maxBufferedAmount: 100 }).useTool('echo', 'x'.repeat(200)),
    BAD_MESSAGE: async (t) => {
      const server = await listen(t)
      server.intercept((text, connection) => {
        const { id, name } = JSON.parse(text)
        return name !== undefined && connection.send(`{"id":"${id}","results":nonsense}`)
      })
      await open(t, server).useTool('echo')
    },
    NOT_ALLOWED: async (t) => {
      const { far } = await bridged(t, await ready(t, await listen(t)), { allowTools: [] })
      await far.useTool('echo')
    },
    BRIDGE_VERSION: async (t) => {
      const { far, port } = rawServer(t)
      const failed = next(far, 'failed')
      port.postMessage({ mcpBridge: 0, type: 'welcome' })
      throw (await failed)[0]
    },
  }

  for (const [code, cause] of Object.entries(CAUSES)) {
    test(`${code} is as retryable as the table says`, async (t) => {
      const error = await rejection(cause(t))
      assert.equal(error.code, code, error.message)
      assert.match(documented.get(code), error.retryable ? /^yes/ : /^no/)
    })
  }

  test('every code but that of a fault of the client itself is provoked here', () => {
    assert.deepEqual(
      Object.keys(CAUSES),
      [...documented.keys()].filter((code) => code !== 'INTERNAL_ERROR'),
    )
  })

  test('a dial that only another configuration can mend is not retryable', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(404)
    const { code, retryable } = await rejection(open(t, server).connect())
    assert.deepEqual({ code, retryable }, { code: 'CONNECT_FAILED', retryable: false })
  })
})

describe('what the documents claim besides', () => {
  test('permessage-deflate is the one WebSocket extension that is offered, with the parameters of rule 17', async (t) => {
    const server = await listen(t)
    await ready(t, server)
    const [{ headers }] = server.connections
    const offer = headers['sec-websocket-extensions']
    assert.match(offer, /^permessage-deflate;[^,]*$/)
    assert.ok(read('PROTOCOL.md').includes(`offers \`${offer}\``), offer)
  })

  test('the fixed numbers are those of the sources', () => {
    const sources = {
      '2 s': ['crates/protocol/src/session/lifecycle.rs', 'CLOSE_HANDSHAKE: Duration = Duration::from_secs(2)'],
      '1 s': ['crates/protocol/src/session/tools.rs', 'SCHEMAS: Duration = Duration::from_secs(1)'],
      '5 s': ['crates/protocol/src/session/liveness.rs', 'PROBE_TIMEOUT: Duration = Duration::from_secs(5)'],
      2: ['crates/protocol/src/session/requests.rs', 'MAX_RESENDS: u8 = 2'],
      '4,096': ['crates/protocol/src/pending.rs', 'MAX_REMEMBERED: usize = 4096'],
      64: ['crates/protocol/src/heartbeat.rs', 'MAX_PONGS_DUE: usize = 64'],
      '16 KiB': ['crates/protocol/src/dialect.rs', 'LONGEST_CONTROL: usize = 16 * 1024'],
      '1 KiB': ['src/driver/socket/outbox.rs', 'COMPRESSED_FROM: usize = 1024'],
      '4 MiB': ['src/binding/mailbox.rs', 'HIGH_WATER: usize = 4 << 20'],
      '1 MiB': ['src/binding/mailbox.rs', 'LOW_WATER: usize = 1 << 20'],
      '8 KiB': ['crates/protocol/src/words.rs', 'LONGEST: usize = 8 * 1024'],
      '64 KiB': ['src/driver/dial/head.rs', 'LONGEST: usize = 64 * 1024'],
      '250 ms': ['src/driver/dial/tcp.rs', 'HEAD_START: Duration = Duration::from_millis(250)'],
    }
    const [rows] = tablesUnder(PROTOCOL, 'Fixed numbers')
    assert.deepEqual(rows.flatMap(({ number }) => number.split(', ')).sort(), Object.keys(sources).sort())
    const others = [
      ['crates/protocol/src/session/endpoints.rs', 'BETWEEN_DIALS: Duration = Duration::from_millis(250)'],
      ['crates/protocol/src/session/liveness.rs', 'LATE: Duration = Duration::from_secs(2)'],
      ['crates/protocol/src/session/race.rs', 'MOST_HEARD: usize = 64 * 1024'],
      ['crates/protocol/src/tools.rs', 'LARGEST: usize = 1024 * 1024'],
    ]
    for (const [path, constant] of [...Object.values(sources), ...others])
      assert.ok(read(path).includes(`const ${constant};`), `${path}: ${constant}`)
  })

  test('CONTRIBUTING.md names no file of the repository that is not there', () => {
    const named = codesOf(CONTRIBUTING.prose).filter(
      (code) => /^[\w.-]+(\/[\w.@-]+)+\/?$/.test(code) && !/^(dist|target)\//.test(code),
    )
    assert.ok(named.includes('js/cli/program.mts'), 'the recipes are looked at')
    assert.deepEqual(
      named.filter((path) => !existsSync(join(ROOT, path))),
      [],
    )
  })

  test('each dependency has its reason', () => {
    const [crates, packages] = tablesUnder(CONTRIBUTING, 'Dependencies')
    const members = ['.', 'crates/mailbox', 'crates/page', 'crates/protocol', 'crates/sim']
    const namesIn = (manifest, table) => {
      const sections = read(manifest)
        .split(/^\[/m)
        .filter((section) => table.test(section))
      return sections
        .flatMap((section) => [...section.matchAll(/^([\w-]+)(?:\.workspace)? *=/gm)].map(([, name]) => name))
        .filter((name) => !name.startsWith('mcp-'))
    }
    const needed = members.flatMap((member) =>
      namesIn(join(member, 'Cargo.toml'), /^(target\..*\.|dev-|build-)?dependencies\]/),
    )
    assert.deepEqual(crates.map(({ crate }) => codesOf(crate)[0]).sort(), [...new Set(needed)].sort())
    assert.deepEqual(
      namesIn('Cargo.toml', /^workspace\.dependencies\]/).sort(),
      [...new Set(needed)].sort(),
      'the workspace names versions of what nobody needs, or not of all',
    )
    const { dependencies = {}, devDependencies } = JSON.parse(read('package.json'))
    assert.deepEqual(dependencies, {}, 'the package has no dependency at run time')
    assert.deepEqual(packages.map((row) => codesOf(row.package)[0]).sort(), Object.keys(devDependencies).sort())
  })

  test('the rules of the protocol are in the order of their numbers, and the sources refer to none but these', () => {
    const rules = headingsOf(PROTOCOL).flatMap(({ title }) => /^Rule (\d+):/.exec(title)?.[1] ?? [])
    assert.ok(rules.length > 0)
    assert.deepEqual(
      rules,
      [...new Set(rules)].sort((a, b) => a - b),
    )
    for (const folder of ['crates', 'src', 'js']) {
      for (const file of readdirSync(join(ROOT, folder), { recursive: true }).filter((name) =>
        /\.(rs|ts)$/.test(name),
      )) {
        for (const [, rule] of read(join(folder, file)).matchAll(/PROTOCOL\.md rule (\d+)/g))
          assert.ok(rules.includes(rule), `${file}: rule ${rule}`)
      }
    }
  })
})
