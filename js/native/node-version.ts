/**
 * Refuses a Node.js that is too old, in words. It is imported before everything else, which such a Node.js could
 * perhaps not parse. Bun and Deno say here which Node.js they are like.
 *
 * With MCP_CLIENT_SKIP_NODE_CHECK=1 it warns instead: for trying the package where nobody supports it.
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
