/** Makes calls all the time through connections that all break. The outcome of each call is checked. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MCPClient } from '@mcp-integration/client'
import { randomOf } from './random-json.mjs'
import { sumOf } from './chaos-sums.mjs'

const CLIENTS = 4
const CALLERS = 16
/** The outcomes that a call may have, apart from an answer. */
const EXPECTED = new Set([
  ...['CONNECTION_LOST', 'REQUEST_TIMEOUT', 'NOT_CONNECTED', 'AUTH_FAILED'],
  // When a text or a length was damaged.
  ...['DAMAGED', 'damaged answer', 'BAD_MESSAGE', 'MESSAGE_TOO_LARGE'],
  'aborted',
])

/**
 * Runs for `ms`, then stops the faults and asserts that every call has settled and nothing is left. Calls
 * `watch(counts)` every second. Resolves with the counts: `calls`, `answers`, `faults`, and `losses` by code.
 */
export async function chaos({ ms, seed, watch = () => {} }) {
  const child = fork(fileURLToPath(new URL('chaos-server.mjs', import.meta.url)), [String(seed)], { execArgv: [] })
  const failed = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`the server's process ended with ${code}`)),
  )
  failed.catch(() => {})
  const ask = async (message) => {
    const answer = once(child, 'message')
    if (message) child.send(message)
    return (await Promise.race([answer, failed]))[0]
  }
  try {
    const { url } = await ask()
    return await new Chaos(url, child, ask, seed).run(ms, watch)
  } finally {
    child.kill('SIGKILL')
  }
}

class Chaos {
  counts = { calls: 0, answers: 0, settled: 0, faults: 0, restarts: 0, losses: {} }
  #child
  #ask
  #random
  #clients
  #isOver = false
  #unsent = []
  #wrong = []

  constructor(url, child, ask, seed) {
    this.#child = child
    this.#ask = ask
    this.#random = randomOf(seed)
    const options = {
      url,
      requestTimeout: 3_000,
      heartbeatInterval: 100,
      heartbeatTimeout: 400,
      authTimeout: 500,
      connectTimeout: 1_000,
      baseReconnectDelay: 5,
      maxReconnectDelay: 20,
      maxReconnectAttempts: Infinity,
      slowReconnectDelay: 0,
    }
    this.#clients = Array.from({ length: CLIENTS }, () => new MCPClient(options))
  }

  async run(ms, watch) {
    const end = performance.now() + ms
    const callers = this.#clients.flatMap((client) => Array.from({ length: CALLERS }, () => this.#callOn(client)))
    for (const client of this.#clients) void this.#keepUp(client)
    while (performance.now() < end && this.#wrong.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, end - performance.now())))
      this.#child.send({ type: 'unsent', calls: this.#unsent.splice(0) })
      this.counts.faults = (await this.#ask({ type: 'report' })).faults
      watch(this.counts)
    }
    this.#isOver = true
    this.#child.send({ type: 'calm' })
    await Promise.all(callers)
    await this.#settle()
    return this.counts
  }

  /** There are no faults any more: every client answers a call, and after closing nothing is left. */
  async #settle() {
    for (const client of this.#clients) {
      while (!(await this.#call(client, 2_000))) await this.#revive(client)
    }
    await Promise.all(this.#clients.map((client) => client.close()))
    for (const client of this.#clients) {
      const { pending, queued, requests, succeeded, failed } = client.stats()
      assert.deepEqual(
        { pending, queued, unsettled: requests - succeeded - failed, buffered: client.bufferedAmount },
        { pending: 0, queued: 0, unsettled: 0, buffered: 0 },
      )
    }
    this.#child.send({ type: 'unsent', calls: this.#unsent.splice(0) })
    let report = await this.#ask({ type: 'report' })
    while (report.connections > 0) report = await this.#ask({ type: 'report' })
    assert.deepEqual(this.#wrong, [])
    assert.equal(this.counts.settled, this.counts.calls)
    assert.deepEqual(
      { ranTwice: report.ranTwice, ranThoughUnsent: report.ranThoughUnsent },
      { ranTwice: [], ranThoughUnsent: [] },
    )
    assert.ok(report.executed >= this.counts.answers)
  }

  async #callOn(client) {
    while (!this.#isOver) {
      await this.#call(client, 3_000)
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(40)))
    }
  }

  /** One call, checked. True if it got its answer. */
  async #call(client, timeout) {
    const { counts } = this
    const random = this.#random
    const n = counts.calls++
    const idempotent = random.chance(0.3)
    const responseType = random.chance(0.1) ? 'buffer' : 'json'
    const signal = random.chance(0.05) ? AbortSignal.timeout(1 + random.below(30)) : undefined
    const length = random.chance(0.02) ? 100_000 : random.below(2_000)
    const parameters = { n, sum: sumOf(`${n} ${idempotent}`), idempotent, length, pad: 'y'.repeat(random.below(500)) }
    let outcome
    try {
      const results = await client.useTool('certify', parameters, { timeout, idempotent, responseType, signal })
      outcome = this.#check(n, length, results)
    } catch (error) {
      outcome = signal?.aborted && error === signal.reason ? 'aborted' : (error.toolCode ?? error.code)
      if (error.sent === false) this.#unsent.push(n)
      // A code of the server may be damaged too.
      if (!EXPECTED.has(outcome) && error.toolCode === undefined) this.#wrong.push(`call ${n}: ${error.stack}`)
    }
    counts.settled++
    if (outcome === 'answer') counts.answers++
    else counts.losses[outcome] = (counts.losses[outcome] ?? 0) + 1
    return outcome === 'answer'
  }

  /** An answer that is not damaged must be this call's. */
  #check(n, length, results) {
    let value = results
    try {
      if (results instanceof Uint8Array) value = JSON.parse(Buffer.from(results))
    } catch {
      return 'damaged answer'
    }
    if (value?.sum === sumOf(`answer to ${n}`))
      return value.n === n && value.pad?.length === length ? 'answer' : 'damaged answer'
    if (value?.sum === sumOf(`answer to ${value?.n}`)) this.#wrong.push(`call ${n} got the answer to ${value.n}`)
    return 'damaged answer'
  }

  /** Damaged bytes may look like a refusal or a normal close, after which a client rightly does not reconnect. */
  async #keepUp(client) {
    while (!this.#isOver) {
      await new Promise((resolve) => client.once('state', resolve))
      if (!this.#isOver) await this.#revive(client)
    }
  }

  async #revive(client) {
    while (['unauthorized', 'closed', 'failed'].includes(client.state)) {
      this.counts.restarts++
      await client.reconnect().catch(() => {})
    }
  }
}
