/** Toolchains for other platforms than this machine's. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { wheels } from './wheels.mjs'

/** Fetches Rust's standard library for a target with rustup; a toolchain only contains its own machine's. */
export function setUpTarget(target) {
  const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim()
  if (existsSync(join(sysroot, 'lib/rustlib', target, 'lib'))) return
  try {
    execFileSync('rustup', ['target', 'add', target], { stdio: 'inherit' })
  } catch (cause) {
    throw new Error(
      `Rust's standard library for ${target} is not installed, and rustup could not fetch it: go online, and use a toolchain of rustup`,
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
