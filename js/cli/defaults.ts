/** Where `serve` listens and `call` connects by default. */
export const DEFAULT_PORT = 8080
export const DEFAULT_URL = `ws://127.0.0.1:${DEFAULT_PORT}/mcp-ws`
