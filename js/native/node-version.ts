/**
 * Refuses a Node.js that is too old with a clear error. It is imported before all other modules, because an old Node.js
 * may not be able to parse them. Bun and Deno report here the version of Node.js that they are compatible with.
 */
const OLDEST = 20
const { node } = process.versions

if (Number.parseInt(node, 10) < OLDEST) {
  throw new Error(
    `@mcp-integration/client needs Node.js ${OLDEST} or newer, and this is ${node}: install a current one from https://nodejs.org`,
  )
}

export {}
