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
  const { call, arguments: given, texts, returns, shows } = expected
  const parts = texts.map((text) => Buffer.from(text))
  const returned = module.call(call, given.map(Number), parts)
  const showed = shows === null ? null : module.text
  const outputs = []
  for (let kind = module.call('next_output', []); kind !== 0; kind = module.call('next_output', []))
    outputs.push([kind, module.number('a'), module.number('b'), module.text])
  const hasItems = module.number('hasItems') === 1
  const items = []
  while (module.call('take_item', []) === 1)
    items.push([module.number('kind'), module.number('a'), module.number('b'), module.text])
  const refused = module.call('take_refused', []) === 1
  const deadline = Number.isFinite(module.deadline) ? module.deadline : null
  const numbers = [module.number('revision'), module.number('reasons')]
  const made = { outputs, hasItems, items, deadline, numbers, refused, returns: returned ?? null, shows: showed }
  const { outputs: o, hasItems: h, items: i, deadline: d, numbers: n, refused: r } = expected
  const wanted = { outputs: o, hasItems: h, items: i, deadline: d, numbers: n, refused: r, returns, shows }
  assert.deepEqual(made, wanted, `after ${call} in the history that begins with ${seed}`)
  seen.calls.add(call)
  for (const [kind] of outputs) seen.outputs.add(kind)
  for (const [kind] of items) seen.items.add(kind)
}

function look({ module, seed }, { look: name, returns, shows }) {
  const returned = module.call(name, [])
  assert.deepEqual(
    { returns: returned ?? null, shows: shows === null ? null : shown(name, module.text) },
    { returns, shows: shows === null ? null : shown(name, shows) },
    `${name} in the history that begins with ${seed}`,
  )
}

/** A page's record has only what is read by people: it cannot be replayed. */
function shown(name, text) {
  return name === 'dump' ? { ...JSON.parse(text), start: undefined, options: undefined } : text
}

/** Histories in which nothing happens prove nothing. */
function checkReach({ histories, calls, outputs, items }) {
  assert.equal(histories, HISTORIES)
  assert.deepEqual([...calls].sort(), CALLS)
  assert.deepEqual([...outputs].sort(), [1, 2, 3, 4])
  assert.ok(items.size >= 7, `only items of the kinds ${[...items]}`)
}

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
  'sent',
  'set_interest',
  'text_message',
  'timeout',
  'tools',
]
