/** What a bridge makes of messages that are none of its own. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bridged, deferred, fakeClient, rawBridge, rawServer } from './helpers/bridge.mjs'
import { next, ready, record, rejection } from './helpers/client.mjs'
import { listen } from './helpers/test-server.mjs'

describe('what is malformed is logged and dropped', () => {
  const good = { mcpBridge: 1, type: 'call', id: 1, tool: 'echo', parameters: '1', options: {} }
  const forged = {
    'no object': 5,
    null: null,
    'no message of the bridge': { type: 'call' },
    'an array': [good],
    'a type that is none': { mcpBridge: 1, type: 'toString' },
    'a type that is no string': { mcpBridge: 1, type: { toString: null } },
    'an id that is no number': { ...good, id: '1' },
    'an id below nothing': { ...good, id: -1 },
    'a tool without a name': { ...good, tool: '' },
    'parameters that are no text': { ...good, parameters: { a: 1 } },
    'parameters that are not JSON': { ...good, parameters: '{' },
    'no options': { ...good, options: null },
    'options of the wrong kind': { ...good, options: { timeout: 'soon' } },
    'a response type that is none': { ...good, options: { responseType: 'blob' } },
    'an unknown command': { mcpBridge: 1, type: 'command', id: 2, name: 'close', token: null, seen: 'idle' },
    'events that cannot be listened to': { mcpBridge: 1, type: 'listen', events: ['state'] },
    'too many events': { mcpBridge: 1, type: 'listen', events: Array(9).fill('log') },
    'a message that may not be sent': { mcpBridge: 1, type: 'send', text: '{"id":"auth","token":"x"}' },
    'an answer': { mcpBridge: 1, type: 'done', id: 1, value: 'forged' },
  }

  for (const [what, message] of Object.entries(forged)) {
    test(`at the serving end: ${what}`, async (t) => {
      const server = await listen(t)
      const { say, heardOut, log } = rawBridge(t, await ready(t, server))
      say(message)
      await heardOut()
      assert.equal(log.length, 1)
      assert.match(log[0].message, /^a message through the bridge was dropped: /)
      assert.deepEqual([log[0].level, server.requests.length], ['warn', 0])
    })
  }

  /** Each is good as it stands; what stands beside it may be left out. */
  const TO_SERVER = [
    [{ type: 'listen', events: [] }],
    [{ type: 'call', id: 1, tool: 'echo', parameters: '1', options: {} }],
    [{ type: 'cancel', id: 1 }],
    [{ type: 'command', id: 1, name: 'connect', token: null, seen: 'idle' }, 'token'],
    [{ type: 'request', id: 'x', tool: 'echo', parameters: '1' }],
    [{ type: 'send', text: '{}' }],
  ]

  for (const [message, ...optional] of TO_SERVER) {
    test(`at the serving end: "${message.type}" with any field missing or of a wrong kind`, async (t) => {
      const server = await listen(t)
      const sent = []
      const client = await ready(t, server)
      server.on('message', (text) => sent.push(text))
      const { say, heardOut, log } = rawBridge(t, client, { allowMessages: true, allowControl: true })
      const damaged = damagedForms(message, optional)
      for (const form of damaged) say({ mcpBridge: 1, ...form })
      await heardOut()
      await client.useTool('echo', 'last')
      assert.deepEqual(
        log.map(({ message }) => message.replace(/ of ".*/, '')),
        damaged.map((_, index) => `a message through the bridge was dropped: the field "${damaged[index].damaged}"`),
      )
      assert.deepEqual([sent.length, client.state], [1, 'ready'])
    })
  }

  test('at the serving end: commands and messages that were not allowed, though their end asks for them itself', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const frames = []
    server.on('message', (text) => frames.push(text))
    const { say, hear, heardOut, log } = rawBridge(t, client, { allowTools: ['echo'] })
    for (const name of ['reconnect', 'authenticate'])
      say({ mcpBridge: 1, type: 'command', id: 5, name, token: 'stolen', seen: 'ready' })
    say({ mcpBridge: 1, type: 'send', text: '{"id":"auth","token":"stolen"}' })
    say({ mcpBridge: 1, type: 'call', id: 6, tool: 'status', parameters: '', options: {} })
    say({ mcpBridge: 1, type: 'request', id: 'mine', tool: 'status', parameters: '' })
    const refused = []
    while (refused.length < 4) {
      const { type, id, error, detail } = await hear()
      if (type === 'failed') refused.push([id, error.code])
      if (type === 'event' && detail?.id) refused.push([detail.id, detail.error.code])
    }
    assert.deepEqual(refused.sort(), [
      [5, 'NOT_ALLOWED'],
      [5, 'NOT_ALLOWED'],
      [6, 'NOT_ALLOWED'],
      ['mine', 'NOT_ALLOWED'],
    ])
    await heardOut()
    assert.equal(await client.useTool('echo', 'last'), 'last')
    assert.deepEqual([frames.length, client.state, log.length], [1, 'ready', 1])
    await client.close()
    // Whatever it claims to have seen.
    for (const seen of ['idle', 'closed'])
      say({ mcpBridge: 1, type: 'command', id: 7, name: 'connect', token: null, seen })
    for (let answers = 0; answers < 2; ) {
      const { id, error } = await hear()
      if (id !== 7) continue
      assert.equal(error.code, 'NOT_ALLOWED')
      answers++
    }
    assert.equal(client.state, 'closed')
  })

  test('at the serving end: the numbers of another end’s calls cannot be cancelled, nor answered', async (t) => {
    const release = deferred()
    const server = await listen(t, { tools: { wait: () => release.promise } })
    const client = await ready(t, server)
    const [one, two] = [await bridged(t, client), rawBridge(t, client)]
    const call = one.far.useTool('wait')
    await server.nextRequest('wait')
    for (let id = 0; id < 8; id++) {
      two.say({ mcpBridge: 1, type: 'cancel', id })
      two.say({ mcpBridge: 1, type: 'done', id, value: 'forged' })
    }
    await two.heardOut()
    two.say({ mcpBridge: 1, type: 'bye' })
    await two.served.closed
    release.resolve('genuine')
    assert.equal(await call, 'genuine')
  })

  test('at the serving end: a call whose number is taken', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const { say, heardOut, log } = rawBridge(t, await ready(t, server))
    for (let i = 0; i < 2; i++) say({ ...good, tool: 'wait' })
    say({ mcpBridge: 1, type: 'cancel', id: 77 })
    await heardOut()
    assert.equal(log.length, 1)
    assert.equal(server.requests.length <= 1, true)
  })

  test('at the serving end, where the log is not flooded', async (t) => {
    const warn = t.mock.method(console, 'warn', () => {})
    const { say, heardOut } = rawBridge(t, await ready(t, await listen(t)), { onLog: undefined })
    for (let i = 0; i < 1_000; i++) say('junk')
    await heardOut()
    assert.equal(warn.mock.callCount(), 16)
    assert.match(warn.mock.calls.at(-1).arguments[0], /further ones of this port are not logged$/)
  })

  test('at the serving end: an id that another end uses stays that one’s', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const [one, two] = [
      await bridged(t, client, { allowMessages: true }),
      await bridged(t, client, { allowMessages: true }),
    ]
    const heardByTwo = record(two.far, ['message'])
    await two.far.useTool('echo')
    const answer = next(one.far, 'message')
    one.far.sendMessage({ id: 'x', name: 'echo', parameters: 1 })
    await answer
    two.far.sendMessage({ id: 'x', name: 'echo', parameters: 2 })
    await next(one.far, 'message')
    assert.deepEqual(heardByTwo, [])
  })

  const snapshot = {
    state: 'ready',
    connected: true,
    authenticated: true,
    url: 'ws://h/',
    attempt: 0,
    retryDelay: null,
    error: null,
    revision: 5,
  }
  const stats = { state: 'ready', pending: 0, requests: 0, heartbeatRtt: {}, requestLatency: {} }
  const welcome = { type: 'welcome', snapshot, stats, allowMessages: false }
  const strange = {
    'no message of the bridge': { mcpBridge: undefined, type: 'welcome' },
    'a state that is none': {
      type: 'state',
      snapshot: { ...snapshot, state: 'lost', revision: 9 },
      previous: 'ready',
      stats,
    },
    'a picture without an error that could be one': {
      type: 'state',
      snapshot: { ...snapshot, error: 'x', revision: 9 },
      previous: 'ready',
      stats,
    },
    'an event that is none': { type: 'event', name: 'constructor' },
    'an error that is none': { type: 'event', name: 'error', detail: 'x' },
    'details that are none': { type: 'event', name: 'reconnecting' },
    'bytes that are none': { type: 'done', id: 0, bytes: 'x' },
    'a request': { type: 'call', id: 0, tool: 'echo', parameters: '', options: {} },
  }

  for (const [what, message] of Object.entries(strange)) {
    test(`at the far end: ${what}`, async (t) => {
      const { far, say } = rawServer(t)
      say(welcome)
      await next(far, 'state')
      const [dropped] = [next(far, 'log')]
      say(message)
      const [entry] = await dropped
      assert.match(entry.message, /^a message through the bridge was dropped: /)
      assert.equal(far.state, 'ready')
    })
  }

  const close = { code: 1000, reason: '', wasClean: true, explanation: '', willReconnect: false }
  const TO_CLIENT = [
    [welcome],
    [{ type: 'state', snapshot: { ...snapshot, revision: 9 }, previous: 'ready', stats }],
    [{ type: 'event', name: 'close', detail: close }],
    [{ type: 'event', name: 'heartbeat', detail: { rtt: 1 } }],
    [{ type: 'event', name: 'log', detail: { level: 'info', message: '', fields: {} } }],
    [{ type: 'event', name: 'failed', detail: { code: 'X', message: '', retryable: false } }],
    [{ type: 'done', id: 0, bytes: new Uint8Array() }, 'bytes'],
    [{ type: 'failed', id: 0, error: { code: 'X', message: '', retryable: false } }],
    [{ type: 'stats', stats }],
    [{ type: 'bye', error: { code: 'X', message: '', retryable: false } }, 'error'],
  ]

  for (const [message, ...optional] of TO_CLIENT) {
    test(`at the far end: ${[message.type, message.name].filter(Boolean).join(' ')} with any field missing or of a wrong kind`, async (t) => {
      const { far, say, hear } = rawServer(t)
      say(welcome)
      await next(far, 'state')
      let isSettled = false
      const call = far.useTool('echo').finally(() => (isSettled = true))
      while ((await hear()).type !== 'call');
      const told = record(far)
      const damaged = damagedForms(message, optional)
      for (const form of damaged) say(form)
      while (told.length < damaged.length) await next(far, 'log')
      assert.deepEqual(
        told.map(([event, { message }]) => [event, message.replace(/ of ".*/, '')]),
        damaged.map((form) => ['log', `a message through the bridge was dropped: the field "${form.damaged}"`]),
      )
      assert.deepEqual([far.state, isSettled], ['ready', false])
      say({ type: 'done', id: 0, value: 'genuine' })
      assert.equal(await call, 'genuine')
    })
  }

  test('at the far end: answers that nobody waits for, and pictures of the past', async (t) => {
    const { far, say, hear } = rawServer(t)
    say(welcome)
    const call = far.useTool('echo')
    while ((await hear()).type !== 'call');
    const states = record(far, ['state'])
    say({ type: 'done', id: 5, value: 'stray' })
    say({ type: 'failed', id: 6, error: { code: 'X', message: '', retryable: false } })
    say({ type: 'state', snapshot: { ...snapshot, state: 'closed', revision: 4 }, previous: 'ready', stats })
    say({ type: 'done', id: 0, value: 'mine' })
    say({ type: 'done', id: 0, value: 'again' })
    assert.equal(await call, 'mine')
    assert.deepEqual(states, [])
  })

  test('ends of different versions say so', async (t) => {
    const { far, say } = rawServer(t)
    const call = rejection(far.useTool('echo'))
    const failed = next(far, 'failed')
    say({ ...welcome, mcpBridge: 2 })
    assert.equal((await failed)[0].code, 'BRIDGE_VERSION')
    assert.match((await call).message, /version 2 .* this one 1/)

    const { say: sayOld, hear, log } = rawBridge(t, await ready(t, await listen(t)))
    assert.equal((await hear()).type, 'welcome')
    sayOld({ mcpBridge: 2, type: 'hello' })
    const { mcpBridge, type } = await hear()
    assert.deepEqual({ mcpBridge, type }, { mcpBridge: 1, type: 'welcome' })
    assert.match(log[0].message, /version 2/)
  })

  test('results that cannot be cloned reject their call', async (t) => {
    const client = fakeClient({ useTool: async () => () => {} })
    const { far, log } = await bridged(t, client)
    assert.match((await rejection(far.useTool('any'))).message, /cannot cross the bridge/)
    assert.equal(log.length, 1)
  })
})

/**
 * The message without each of its fields, and with each of a kind that no field may be of; what `damaged` names is what
 * is wrong.
 */
function damagedForms({ type, ...fields }, optional) {
  return Object.entries(fields).flatMap(([field, value]) => {
    const { [field]: _, ...others } = fields
    const isNeeded = !optional.includes(field)
    const wrong = typeof value === 'boolean' ? 'true' : true
    return [
      ...(isNeeded ? [{ type, ...others, damaged: field }] : []),
      { type, ...others, [field]: wrong, damaged: field },
    ]
  })
}
