/** `npm start [-- query]` and `npm run example`: sets up, builds, and runs the example that package.json names. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'

const [, , file] = process.argv
if (file === undefined) throw new Error('usage: node scripts/build/run-example.mjs FILE [ARGUMENT…]')
setUp()
console.log('Building (the first time takes a minute or two) …')
// These import development packages, which a fresh clone has only now.
const { build } = await import('./all.mjs')
await build()
const program = join(ROOT, file)
// The example finds its own arguments where it would if it were the program.
process.argv.splice(1, 2, program)
await import(pathToFileURL(program).href)
