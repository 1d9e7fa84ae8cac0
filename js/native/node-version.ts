/**
 * Refuses a Node.js that is too old with a clear error. It is imported before all other modules, because an old Node.js
 * may not be able to parse them. Bun and Deno report here the version of Node.js that they are compatible with.
 *
 * With MCP_CLIENT_SKIP_NODE_CHECK=1 it warns instead, to try the package with a Node.js that is not supported.
 */
const OLDEST = 20
const { node } = process.versions

if (Number.parseInt(node, 10) < OLDEST) {
  const fault = `@mcp-integration/client needs Node.js ${OLDEST} or newer, and this is ${node}`
  if (process.env.MCP_CLIENT_SKIP_NODE_CHECK !== '1') {
    throw new Error(`${fault}: install a current one from https://nodejs.org`)
  }
  process.emitWarning(`${fault}; MCP_CLIENT_SKIP_NODE_CHECK=1 lets it go on, unsupported: anything may fail`)
}

export {}
