/** What it takes to compile for another platform than this machine's. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { wheels } from './wheels.mjs'

/**
 * Rust's own library for a target comes with the toolchain only for the machine itself; rustup fetches it for others.
 */
export function setUpTarget(target) {
  const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim()
  if (existsSync(join(sysroot, 'lib/rustlib', target, 'lib'))) return
  try {
    execFileSync('rustup', ['target', 'add', target], { stdio: 'inherit' })
  } catch (cause) {
    throw new Error(
      `Rust's library for ${target} is not there, and rustup could not fetch it: be online, and have a toolchain of rustup`,
      { cause },
    )
  }
}

/** The environment in which cargo finds zig. */
export function withZig() {
  const folder = wheels('zig')
  return {
    ...process.env,
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    CARGO_ZIGBUILD_ZIG_PATH: join(folder, 'ziglang/zig'),
  }
}
