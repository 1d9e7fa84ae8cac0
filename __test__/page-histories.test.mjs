/**
 * Random histories through the WebAssembly module of pages. `crates/page/examples/histories.rs` lives them in the
 * simulator, whose invariants hold, and tells what the same client, built for this machine, was told and what came of
 * it: from the module must come the same. `npm run test:deep` makes 10,000 of them.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { before, test } from 'node:test'
import { amount } from './helpers/deep.mjs'
import { PageModule } from './helpers/page-module.mjs'
import { ROOT } from './helpers/root.mjs'

const HISTORIES = amount({ sample: 200, full: 10_000 })
const EXAMPLE = ['--locked', '--quiet', '--package', 'mcp-page', '--example', 'histories']

before(() => execFileSync('cargo', ['build', ...EXAMPLE], { cwd: ROOT }))

test('what comes of any history is the same as from the core that was built for this machine', async (t) => {
  const child = spawn('cargo', ['run', ...EXAMPLE, '--', '0', String(HISTORIES)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'close')
  const seen = { histories: 0, calls: new Set(), outputs: new Set(), items: new Set() }
  let life
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line)
    if (told.numbers !== undefined && told.call === undefined) life = begin(told)
    else if (told.look !== undefined) look(life, told)
    else if (told.call !== undefined) relive(life, told, seen)
    else seen.histories += 1
  }
  assert.deepEqual(await ended, [0, null])
  checkReach(seen)
})

function begin({ seed, numbers, texts, now }) {
  const module = new PageModule()
  const values = Float64Array.from(numbers, Number)
  const parts = [Uint8Array.from(seed), new Uint8Array(values.buffer), ...texts.map((text) => Buffer.from(text))]
  const [, , token, urls] = parts
  module.call('create', [0, values.length, token.length, urls.length, 0, 0, ...now], parts)
  return { module, seed }
}

function relive({ module, seed }, expected, seen) {
  const { call, arguments: given, texts, ...wanted } = expected
  wanted.items = wanted.items.map(withoutRecord)
  const numbersOf = (...names) => names.map((name) => module.number(name))
  const bytes = texts.map((text) => Buffer.from(text))
  const returns = module.call(call, given.map(Number), bytes) ?? null
  const shows = wanted.shows === null ? null : module.text
  const isPart = call === 'text_message' && returns === 1
  const part = isPart ? { item: itemOf(module), around: numbersOf('before', 'after') } : null
  if (isPart) assert.equal(texts[0].slice(part.around[0], texts[0].length - part.around[1]), part.item[3])
  const outputs = []
  // Whether the socket takes a text is not the core's to say.
  for (let place = 0, wasSent = false; ; place++) {
    const kind = module.call('next_output', [wasSent ? 1 : 0])
    if (kind === 0) break
    wasSent = wanted.outputs[place]?.[0] === true
    outputs.push([wasSent, [kind, ...numbersOf('a', 'b'), module.text]])
  }
  const [hasItems, work] = numbersOf('hasItems', 'work')
  const items = []
  while (module.call('take_item', []) === 1) items.push(itemOf(module))
  const deadline = Number.isFinite(module.deadline) ? module.deadline : null
  const numbers = numbersOf('revision', 'reasons')
  const made = { returns, shows, part, outputs, hasItems: hasItems === 1, items, deadline, numbers, work }
  assert.deepEqual(made, wanted, `after ${call} in the history that begins with ${seed}`)
  seen.calls.add(call)
  for (const [, [kind]] of outputs) seen.outputs.add(kind)
  for (const [kind] of isPart ? [...items, part.item] : items) seen.items.add(kind)
}

/** In a page the flight recorder is not the core's: what has come last is added outside of it. */
function withoutRecord([kind, a, b, text]) {
  return [kind, a, b, text?.startsWith(FAILED) ? JSON.stringify({ ...JSON.parse(text), events: '[]' }) : text]
}

function itemOf(module) {
  return [module.number('kind'), module.number('a'), module.number('b'), module.text]
}

function look({ module, seed }, { look: name, returns, shows }) {
  const returned = module.call(name, [])
  assert.deepEqual(
    { returns: returned ?? null, shows: shows === null ? null : module.text },
    { returns, shows },
    `${name} in the history that begins with ${seed}`,
  )
}

/** Histories in which nothing happens prove nothing. */
function checkReach({ histories, calls, outputs, items }) {
  assert.equal(histories, HISTORIES)
  assert.deepEqual([...calls].sort(), CALLS)
  assert.deepEqual([...outputs].sort(), [1, 2, 3, 4])
  assert.ok(items.size >= 7, `only items of the kinds ${[...items]}`)
}

/** How the notice begins that the client has failed. */
const FAILED = '{"type":"failed"'

const CALLS = [
  'abort',
  'answer_token',
  'answer_urls',
  'authenticate',
  'binary_message',
  'close',
  'closed',
  'connect',
  'dial_failed',
  'fail_token',
  'fail_urls',
  'network_changed',
  'open_told',
  'opened',
  'reconnect',
  'request',
  'send',
  'send_tool_request',
  'set_interest',
  'text_message',
  'timeout',
  'tools',
]
