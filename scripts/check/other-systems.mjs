/**
 * Lets clippy look at the crate and its tests as Windows and macOS compile them, from Linux: what only those see is
 * found before CI does. The C code of a crate is compiled by zig; nothing is linked, and nothing runs. It needs the
 * network the first time.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setUpTarget, withZig } from '../lib/cross-compile.mjs'
import { ROOT } from '../lib/root.mjs'

const TARGETS = ['x86_64-pc-windows-gnu', 'aarch64-apple-darwin']

/**
 * What the build script of an addon wants to see when it is built with this Windows; an addon that is linked would need
 * a real one.
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
