/** `npm start [-- query]`: sets up, builds, and runs the demonstration. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setUp } from './setup.mjs'

setUp()
console.log('Building (the first time takes a minute or two) …')
// These import development packages, which a fresh clone has only now.
const { build } = await import('./build.mjs')
await build()
const demo = fileURLToPath(new URL('demo.mjs', import.meta.url))
execFileSync(process.execPath, [demo, ...process.argv.slice(2)], { stdio: 'inherit' })
