/** `npm run example`: sets up, builds, and starts the example with the search page. */
import { setUp } from './setup.mjs'

setUp()
console.log('Building (the first time takes a minute or two) …')
const { build } = await import('./build.mjs')
await build()
await import('../examples/web-search/start.mjs')
