import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ROOT } from './helpers/root.mjs'
import { runTypeScript } from './helpers/snippets.mjs'
import { listen } from './helpers/test-server.mjs'

const SOURCE = await readFile(`${ROOT}examples/cli-agent.ts`, 'utf8')

/** Compiles and runs it as a reader's own program; it must print these lines. */
function runAgent(t, server, ...lines) {
  const promises = lines.map((line) => `// → ${line}\n`).join('')
  return runTypeScript(t, { code: SOURCE + promises, line: 1, language: 'ts' }, server)
}

test('the agent looks its question up, and tells its sources', async (t) => {
  const server = await listen(t)
  await runAgent(t, server, '…Backoff…', '3 sources for "reconnect backoff"')
  assert.equal(server.requests.length, 1)
})

test('the agent looks each word up where the question gives too little', async (t) => {
  const items = {
    'reconnect backoff': [],
    reconnect: [{ title: 'one', snippet: 's', url: 'u' }],
    backoff: [{ title: 'two', snippet: 's', url: 'u' }],
  }
  const server = await listen(t, { tools: { web_search: ({ query }) => ({ items: items[query] }) } })
  await runAgent(t, server, 'one', 'two', '2 sources for "reconnect backoff"')
  assert.deepEqual(
    server.requests.map(({ parameters }) => parameters.query),
    ['reconnect backoff', 'reconnect', 'backoff'],
  )
})

test('the agent says in one line why it failed, and exits with 1', async (t) => {
  const web_search = () => {
    throw new Error('out of credit')
  }
  const server = await listen(t, { tools: { web_search } })
  await assert.rejects(runAgent(t, server), ({ actual }) => {
    assert.deepEqual(actual, { code: 1, signal: null, stderr: 'TOOL_ERROR: out of credit\n' })
    return true
  })
})
