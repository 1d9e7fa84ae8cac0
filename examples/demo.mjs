/**
 * The package at a glance: an embedded platform server on loopback, a client that searches, a connection that drops,
 * and the same client reconnecting by itself and searching again.
 */
import { MCPClient } from '@mcp-integration/client'
import { MCPTestServer } from '@mcp-integration/client/testing'

const QUERY = process.argv[2] ?? 'reconnect backoff'
const started = performance.now()

const server = await MCPTestServer.listen({ tokens: ['demo-key'] })
say(`the embedded server listens on ${server.url}`)

const client = new MCPClient(server.url, { apiKey: 'demo-key' })
client.on('state', ({ state }, previous) => say(`state: ${previous} → ${state}`))
client.on('close', ({ code, explanation, reason }) =>
  say(`the connection is closed: ${code} (${explanation}) ${reason}`),
)
client.on('reconnecting', ({ attempt, maxAttempts, delay }) =>
  say(`attempt ${attempt} of ${maxAttempts} in ${delay} ms`),
)
client.on('error', ({ code, message }) => say(`${code}: ${message}`))

await client.connect()
await search()

say('now the server drops the connection, as it would when it restarts')
// Not `once()` of node:events, which would reject when the lost connection emits 'error'.
const isBack = new Promise((resolve) => client.once('authenticated', resolve))
server.closeAll(1012, 'demonstration')
await isBack
await search()

const { requests, succeeded, reconnects } = client.stats()
await client.close()
await server.close()
say(`done: ${succeeded} of ${requests} calls answered, ${reconnects} reconnect`)

async function search() {
  say(`useTool('web_search', { query: ${JSON.stringify(QUERY)}, numResults: 3 })`)
  const { items } = await client.useTool('web_search', { query: QUERY, numResults: 3 })
  if (items.length === 0) say('  nothing was found')
  for (const { title, url, snippet } of items)
    console.log(`\n    ${title}\n    ${url}\n    ${snippet.replace(/\s+/g, ' ')}`)
  console.log()
}

function say(line) {
  console.log(`${((performance.now() - started) / 1000).toFixed(3).padStart(7)} s  ${line}`)
}
