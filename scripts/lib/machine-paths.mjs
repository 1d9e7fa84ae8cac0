/** The folders of this machine that a published binary must not name, and the flags that keep them out of it. */
import { execFileSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './root.mjs'

/** The folders that sources come from: the checkout, the crates, and the standard library of Rust. */
function sourceFolders() {
  const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim()
  // Of several that match, rustc takes the last.
  return { source: trimmed(ROOT), cargo: process.env.CARGO_HOME || join(homedir(), '.cargo'), rust: sysroot }
}

/** The folders whose names must not be in a binary: the checkout and the home folder. */
export function privateFolders() {
  return [trimmed(ROOT), trimmed(homedir())].filter((folder) => folder.length > 1)
}

/**
 * The environment, in which rustc writes `/cargo/…` for the folder of crates and so on.
 * @param target the triple that is built for; without `--target` the flags would apply to build scripts as well
 */
export function withoutMachinePaths(env, target, folders = sourceFolders()) {
  const flags = Object.entries(folders).map(([name, folder]) => `--remap-path-prefix=${folder}=/${name}`)
  // RUSTFLAGS is split at spaces. A folder that has one stays in the binary, which is then refused.
  const usable = flags.filter((flag) => !/\s/.test(flag))
  // The linker of macOS writes the path of its output into a library that is given no other name.
  const name = target.includes('apple') ? ['-Clink-arg=-Wl,-install_name,@rpath/mcp-client.node'] : []
  return { ...env, RUSTFLAGS: [env.RUSTFLAGS, ...usable, ...name].filter(Boolean).join(' ') }
}

function trimmed(folder) {
  return folder.replace(/[\\/]+$/, '')
}
