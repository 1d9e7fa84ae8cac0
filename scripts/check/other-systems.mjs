/**
 * Runs clippy on Linux over everything as Windows and macOS compile it, to find their problems before CI does. zig
 * compiles the C code of crates; nothing is linked, and nothing runs. The first run needs the network.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setUpTarget, withZig } from '../lib/cross-compile.mjs'
import { ROOT } from '../lib/root.mjs'

const TARGETS = ['x86_64-pc-windows-gnu', 'aarch64-apple-darwin']

/**
 * napi's build script looks for this library on this kind of Windows. To link an addon, it would have to be a real one.
 */
const LIBNODE = join(ROOT, 'target/libnode')

mkdirSync(LIBNODE, { recursive: true })
writeFileSync(join(LIBNODE, 'libnode.dll'), '')
for (const target of TARGETS) {
  setUpTarget(target)
  execFileSync('cargo-zigbuild', ['clippy', '--locked', '--all-targets', '--target', target, '--', '-D', 'warnings'], {
    cwd: ROOT,
    env: { ...withZig(), LIBNODE_PATH: LIBNODE },
    stdio: 'inherit',
  })
  console.log(`clippy finds nothing for ${target}`)
}
