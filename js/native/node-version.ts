/**
 * Refuses a Node.js that is too old, in words. It is imported before everything else, which such a Node.js could
 * perhaps not parse. Bun and Deno say here which Node.js they are like.
 */
const OLDEST = 20
const { node } = process.versions

if (Number.parseInt(node, 10) < OLDEST) {
  throw new Error(
    `@mcp-integration/client needs Node.js ${OLDEST} or newer, and this is ${node}: install a current one from https://nodejs.org`,
  )
}

export {}
