/** `npm run test:deep` runs the tests that use this with their full numbers of repetitions. */
const IS_DEEP = process.env.MCP_TEST_DEEP === '1'

/** How often to repeat something: `sample` in `npm test`, `full` in `npm run test:deep`. */
export function amount({ sample, full }) {
  return IS_DEEP ? full : sample
}
