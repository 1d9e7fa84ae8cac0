/**
 * `npm run example`: an embedded platform server, and the page, over its own client and over one in this process. Enter
 * takes the server away and brings it back; Ctrl-C ends all.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { MCPClient } from '@mcp-integration/client'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { serveBridgedPage } from './serve-bridged.mjs'
import { servePage } from './serve.mjs'

const KEY = 'example-key'
const server = await MCPTestServer.listen({ tokens: [KEY] })
const page = await servePage(server, KEY)
const client = new MCPClient(server.url, { apiKey: KEY, maxReconnectAttempts: Infinity })
const bridged = await serveBridgedPage(client)

console.log(`
  The page:              ${page.url}
  The same, bridged:     ${bridged.url}
  Platform server:       ${server.url}

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
await bridged.close()
await client.close()
await server.close()
console.log('\n  Ended.')
