/**
 * `npm run example`: an embedded platform server, a client, and the page. Enter takes the server away and brings it
 * back; Ctrl-C ends all.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { MCPClient } from '@mcp-integration/client'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { servePage } from './serve.mjs'

const server = await MCPTestServer.listen({ tokens: ['example-key'] })
const client = new MCPClient(server.url, { apiKey: 'example-key', maxReconnectAttempts: Infinity })
const page = await servePage(client)

console.log(`
  The page:         ${page.url}
  Platform server:  ${server.url}

  Enter takes the server away, and brings it back. Ctrl-C ends it all.
`)

let isAway = false
const keyboard = createInterface({ input: process.stdin })
keyboard.on('line', async () => {
  isAway = !isAway
  console.log(isAway ? '  The server is away.' : '  The server is back.')
  if (!isAway) return server.resumeAccepting()
  server.stopAccepting()
  await server.terminateAll()
})

await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
keyboard.close()
await page.close()
await client.close()
await server.close()
console.log('\n  Ended.')
