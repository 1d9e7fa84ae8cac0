/**
 * The process in which loading is measured: a CommonJS program that only requires what a client needs, and creates one
 * as a user's program would. It is a single file, so that no module is loaded before. The task is JSON in its argument;
 * it prints the figures as JSON.
 */
const { client, modules, url } = JSON.parse(process.argv[2])

const ws = (WebSocket) => new WebSocket(url)
const MAKE = {
  ours: ({ MCPClient }) => new MCPClient(url),
  ws,
  'ws-tuned': ws,
  undici: ({ WebSocket }) => new WebSocket(url),
  'mcp-sdk': (WebSocket, { Client }, { WebSocketClientTransport }) => {
    globalThis.WebSocket = WebSocket
    void new Client({ name: 'bench', version: '1.0.0' }).connect(new WebSocketClientTransport(new URL(url)))
  },
}

const before = process.memoryUsage.rss()
const began = performance.now()
const loaded = modules.map((name) => require(name))
const loadTime = performance.now() - began
const loadMemory = (process.memoryUsage.rss() - before) / 1e6
const makingBegan = performance.now()
MAKE[client](...loaded)
const firstClientTime = loadTime + performance.now() - makingBegan
process.stdout.write(`${JSON.stringify({ loadTime, firstClientTime, loadMemory })}\n`)
// The connection is not part of the measurement.
process.exit()
