/** `npm run test:deep` runs the tests that use this with their full numbers. */
const IS_DEEP = process.env.MCP_TEST_DEEP === '1'

/** How often to do a thing: a sample in `npm test`, all of it in `npm run test:deep`. */
export function amount({ sample, full }) {
  return IS_DEEP ? full : sample
}
