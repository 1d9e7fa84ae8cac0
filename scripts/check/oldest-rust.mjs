/** Compiles everything with the `rust-version` of Cargo.toml, which rustup fetches. Needs nothing else but Node.js. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { ROOT } from '../lib/root.mjs'

const [, oldest] = /^rust-version = "(.*)"$/m.exec(readFileSync(`${ROOT}Cargo.toml`, 'utf8'))

run('rustup', 'toolchain', 'install', oldest, '--profile', 'minimal')
run('cargo', `+${oldest}`, 'check', '--locked', '--all-targets')
console.log(`Rust ${oldest} compiles it`)

function run(command, ...args) {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit' })
}
