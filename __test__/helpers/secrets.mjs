/** Plants secrets wherever a client takes one, and finds them in whatever it tells and shows. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { MCPClient } from '@mcp-integration/client'
import { connectClient, serveClient } from '@mcp-integration/client/bridge'
import { MCPClientInstrumentation } from '@mcp-integration/client/opentelemetry'
import { createAuthority } from './certificates.mjs'
import { open, record } from './client.mjs'

export const authority = createAuthority()
const own = authority.issue()
/** A line of it that says something of the key. */
const [, , KEY_LINE] = own.key.split('\n')

/** Each is another one, so that a failure names the one that got out. */
export const PLANTED = {
  key: 'planted-key-4711',
  header: 'planted-header-4712',
  subprotocol: 'planted-subprotocol-4713',
  query: 'planted-query-4714',
  'user of the proxy': 'planted-user-4715',
  'password of the proxy': 'planted@password-4716',
  'client key': KEY_LINE,
}

/** What a function of the user's throws. It is a cause in its own process, but leaves it nowhere. */
export const THROWN = 'planted-in-what-was-thrown-4717'

/**
 * What a client tells and shows: one line for each kind of output. `listen` passes on what comes, `show` returns what
 * can be looked at. `leaves` says that it is made to leave the process.
 */
const OUTPUTS = [
  { name: 'events', listen: (client, tell) => tell(record(client, EVENTS)) },
  { name: 'the log', listen: (client, tell) => client.on('log', tell), leaves: true },
  { name: 'messages of the server', listen: (client, tell) => client.on('message', tell) },
  { name: 'reports of dials', listen: (client, tell) => client.on(DIALED, tell), leaves: true },
  { name: 'the channels', listen: listenToChannels, leaves: true },
  { name: 'events of the WebSocket', listen: listenAsToWebSocket },
  { name: 'warnings of the process', listen: listenToProcess },
  { name: 'the bridge', listen: listenToBridge, leaves: true },
  { name: 'the spans', listen: listenToSpans, leaves: true },
  { name: 'the client', show: (client) => client },
  { name: 'the snapshot', show: (client) => client.snapshot },
  { name: 'the statistics', show: (client) => client.stats(), leaves: true },
  { name: 'the error', show: (client) => client.error },
  { name: 'the flight record', show: (client) => client.dump(), leaves: true },
]

/** What `mcp-client doctor` listens to. */
const DIALED = Symbol.for('@mcp-integration/client dialed')

const EVENTS = ['state', 'open', 'authenticated', 'close', 'reconnecting', 'heartbeat', 'failed', 'error']

/** Watches the clients of one test. `except` names outputs that may show secrets, with a reason at the call. */
export function watchFor(t, { except = [] } = {}) {
  const watched = []
  const told = []
  const tell = (name, leaves) => (value) => told.push({ name, leaves, value })
  return {
    /** A client with every secret that it can have; `options` replace them. */
    client(url, options = {}) {
      const client = open(t, withQuery(url), { ...everythingPlanted(), ...options })
      for (const { name, listen, leaves } of OUTPUTS) listen?.(client, tell(name, leaves), t)
      watched.push(client)
      return client
    },
    /** The reason of a rejection, which is looked at as well. */
    async failure(promise) {
      const error = await promise.then(
        () => assert.fail('it did not fail'),
        (reason) => reason,
      )
      tell('a rejection')(error)
      return error
    },
    /** Nothing that was told or is shown has a secret in it. */
    check() {
      for (const client of watched) {
        for (const { name, show, leaves } of OUTPUTS) {
          if (show !== undefined) told.push({ name, leaves, value: show(client), url: client.url })
        }
      }
      for (const { name, leaves, value, url } of told) {
        if (!except.includes(name)) assertKept(name, shown(value).replaceAll(url ?? '\0', ''), leaves)
      }
    },
  }
}

/** Some keep their key in one file with the certificate. */
export const PLANTED_TLS = { ca: authority.cert, cert: own.cert + own.key, key: own.key }

/** The tests run with the portable client, which has no headers, no TLS and no proxy. */
export const IS_PORTABLE = !(MCPClient.prototype instanceof EventEmitter)

/** Every secret that an option may have, but for a proxy. */
export function everythingPlanted() {
  return {
    apiKey: PLANTED.key,
    protocols: ['mcp', PLANTED.subprotocol],
    maxReconnectAttempts: 1,
    ...(!IS_PORTABLE && {
      headers: { authorization: `Bearer ${PLANTED.header}`, 'x-key': PLANTED.header },
      tls: PLANTED_TLS,
    }),
  }
}

/** With a user and a password. */
export function plantedProxy(url) {
  const [user, password] = [PLANTED['user of the proxy'], PLANTED['password of the proxy']].map(encodeURIComponent)
  return url.replace('://', `://${user}:${password}@`)
}

export function withQuery(url) {
  return typeof url === 'string' ? `${url}?tenant=1&key=${PLANTED.query}` : url
}

/** No secret is in a text, in any of the forms that it may have there. */
export function assertKept(name, text, leaves = false) {
  for (const [secret, forms] of leaves ? [...FORMS, ['what was thrown', [THROWN]]] : FORMS) {
    const form = forms.find((form) => text.includes(form))
    const place = text.indexOf(form)
    assert.ok(form === undefined, `${name} has the ${secret}: …${text.slice(Math.max(0, place - 200), place + 100)}…`)
  }
}

/** Everything that a log or a console could make of a value. */
export function shown(value) {
  const chain = []
  for (let error = value; error instanceof Error; error = error.cause)
    chain.push(error.message, error.stack, JSON.stringify(error), String(error))
  return [
    inspect(value, { depth: Infinity, showHidden: true }),
    inspect(value, { depth: Infinity, showHidden: true, customInspect: false }),
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    inspect([{ value }]),
    stringified(value),
    String(value),
    ...chain,
  ].join('\n')
}

/** Events refer to themselves. */
function stringified(value) {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}

const PROXY_LOGIN = `${PLANTED['user of the proxy']}:${PLANTED['password of the proxy']}`

const FORMS = [...Object.entries(PLANTED), ['login of the proxy', Buffer.from(PROXY_LOGIN).toString('base64')]].map(
  ([name, secret]) => {
    const bytes = Buffer.from(secret)
    return [
      name,
      [
        secret,
        encodeURIComponent(secret),
        bytes.toString('base64'),
        bytes.toString('hex'),
        inspect(bytes).slice('<Buffer '.length, -1),
        bytes.join(','),
      ],
    ]
  },
)

function listenAsToWebSocket(client, tell) {
  // An `open` listener would change who authenticates.
  for (const type of ['close', 'error'])
    client.addEventListener(type, ({ target, currentTarget, ...event }) => tell({ ...event, type }))
}

function listenToProcess(_client, tell, t) {
  process.on('warning', tell)
  t.after(() => process.off('warning', tell))
}

/** What the channels tell of this client. */
function listenToChannels(client, tell, t) {
  const traced = ['call', 'connect'].flatMap((name) =>
    ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => `tracing:mcp-client:${name}:${event}`),
  )
  const listener = (message) => message.client === client.id && tell({ ...message })
  for (const name of ['mcp-client:state', 'mcp-client:log', ...traced]) {
    subscribe(name, listener)
    t.after(() => unsubscribe(name, listener))
  }
}

/** The spans of this client. */
function listenToSpans(client, tell, t) {
  const onEnd = ({ name, attributes, events, status }) =>
    attributes['mcp_client.id'] === client.id && tell({ name, attributes, events, status })
  const done = async () => {}
  const processor = { onStart() {}, onEnd, forceFlush: done, shutdown: done }
  const instrumentation = new MCPClientInstrumentation()
  instrumentation.setTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
  t.after(() => instrumentation.disable())
}

/** Every message in both directions, and what the far end tells and shows. */
function listenToBridge(client, tell, t) {
  const { port1, port2 } = new MessageChannel()
  for (const port of [port1, port2]) {
    const { postMessage } = port
    port.postMessage = (message, ...others) => {
      tell(structuredClone(message))
      postMessage.call(port, message, ...others)
    }
  }
  const served = serveClient(client, port1, { onLog: tell })
  const far = connectClient(port2)
  // Not its messages: they are the server's own words.
  tell(record(far, [...EVENTS, 'log']))
  t.after(async () => {
    served.close()
    await far.close()
    port1.close()
    port2.close()
  })
}
