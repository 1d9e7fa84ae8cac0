/** `node --require` this: Node.js 20 has no WebSocket. */
globalThis.WebSocket ??= require('ws').WebSocket
