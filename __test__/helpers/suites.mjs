/** The tests that hold for every client: that of the addon, and the portable one in Node.js and in a browser. */
export const SUITES = [
  'at-most-once',
  'authentication',
  'calls',
  'errors',
  'events',
  'reconnecting',
  'states',
  'websocket-face',
].map((name) => `__test__/${name}.test.mjs`)
