/** The utility process of the app: it owns a client, and reports on request how many calls are in flight. */
const { MCPClient } = require('@mcp-integration/client')
const { serveForwarded } = require('@mcp-integration/client/electron/main')

const client = new MCPClient(process.argv.at(-1))
serveForwarded(client, process.parentPort, { allowTools: ['echo', 'wait'] })

process.parentPort.on('message', ({ data }) => {
  if (data === 'in flight?') process.parentPort.postMessage(client.stats().pending)
})
