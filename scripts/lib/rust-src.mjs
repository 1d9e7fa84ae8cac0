/** Where the standard library of Rust for another target comes from: its sources, or an installed one. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from './page-module.mjs'
import { ROOT } from './root.mjs'

/** Debian's package of the sources, of this version of Rust. It is the same for all architectures. */
const PACKAGE = {
  rust: '1.95.0',
  url: 'https://deb.debian.org/debian/pool/main/r/rustc/rust-src_1.95.0+dfsg1-2~bpo13+1_all.deb',
  sha256: '7b76db5b880a77f9e52975d2baa6209d2f76d2c9c2789515c3088cb960e2c83b',
}

/**
 * What cargo needs to build for a target with a standard library made for size.
 * @returns {Promise<{ cargo: string[], env: object, flags: string[] }>} arguments and environment variables of cargo,
 * and flags of rustc
 */
export async function standardLibrary(target) {
  let sources
  try {
    sources = ownSources() ?? (await sourcesOfDebian())
  } catch (error) {
    if (!isInstalled(target))
      throw new Error(`${error.message}; rustup target add ${target} installs what can be used instead`, {
        cause: error,
      })
    console.warn(`${error.message}: the standard library of the installed target is used, and the module is larger`)
    return { cargo: [], env: {}, flags: [] }
  }
  console.log(`The standard library is built from ${sources}`)
  return {
    cargo: ['-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size'],
    // These are not stable yet. The second is how cargo is told where the sources are, if they are not those of the
    // toolchain.
    env: { RUSTC_BOOTSTRAP: '1', __CARGO_TESTS_ONLY_SRC_ROOT: sources },
    flags: ['-Zunstable-options', '-Cpanic=immediate-abort'],
  }
}

/** Has rustup fetch the sources of its toolchain. */
export function fetchSources() {
  execFileSync('rustup', ['component', 'add', 'rust-src'], { stdio: 'inherit' })
}

function isInstalled(target) {
  const libraries = rustc('--print=target-libdir', `--target=${target}`)
  return existsSync(libraries) && readdirSync(libraries).some((name) => /^libstd-.*\.rlib$/.test(name))
}

/** Of rustup's component rust-src, or of the system's package. */
function ownSources() {
  const candidates = [
    join(rustc('--print=sysroot'), 'lib/rustlib/src/rust/library'),
    `/usr/src/rustc-${rustVersion()}/library`,
  ]
  return candidates.find((folder) => existsSync(join(folder, 'Cargo.lock')))
}

async function sourcesOfDebian() {
  const folder = join(ROOT, `target/rust-src-${PACKAGE.rust}`)
  const library = join(folder, 'library')
  if (rustVersion() !== PACKAGE.rust) {
    console.warn(
      `rustc is ${rustVersion()}, the sources of the standard library are of ${PACKAGE.rust}: if the build fails, ` +
        `use rustup target add wasm32-unknown-unknown, or Rust ${PACKAGE.rust}`,
    )
  }
  if (!existsSync(library)) await unpack(await fetchPackage(), folder)
  return library
}

async function fetchPackage() {
  console.log(`Fetching ${PACKAGE.url}`)
  const response = await fetch(PACKAGE.url)
  if (!response.ok) throw new Error(`${PACKAGE.url}: HTTP ${response.status}`)
  const bytes = Buffer.from(await response.arrayBuffer())
  if (sha256(bytes) !== PACKAGE.sha256)
    throw new Error(`${PACKAGE.url} is not the file with the SHA-256 ${PACKAGE.sha256}`)
  return bytes
}

/** A package of Debian is an `ar` archive of archives, of which one has the files. */
async function unpack(bytes, folder) {
  mkdirSync(join(ROOT, 'target'), { recursive: true })
  const temporary = mkdtempSync(join(ROOT, 'target/rust-src-'))
  const { name, data } = memberWithFiles(bytes)
  const archive = join(temporary, name)
  writeFileSync(archive, data)
  const inside = `./usr/src/rustc-${PACKAGE.rust}/library`
  execFileSync('tar', ['--extract', `--file=${archive}`, `--directory=${temporary}`, '--strip-components=4', inside], {
    stdio: 'inherit',
  })
  rmSync(archive)
  rmSync(folder, { recursive: true, force: true })
  renameSync(temporary, folder)
}

/** Each member of an `ar` archive has a head of 60 bytes, and begins at an even position. */
function memberWithFiles(archive) {
  for (let at = 8; at < archive.length; ) {
    const name = archive
      .toString('latin1', at, at + 16)
      .trim()
      .replace(/\/$/, '')
    const size = Number(archive.toString('latin1', at + 48, at + 58))
    const data = archive.subarray(at + 60, at + 60 + size)
    if (name.startsWith('data.tar')) return { name, data }
    at += 60 + size + (size % 2)
  }
  throw new Error('the package has no data.tar')
}

function rustVersion() {
  return /^rustc (\S+)/.exec(rustc('--version'))[1]
}

function rustc(...args) {
  return execFileSync('rustc', args, { cwd: ROOT, encoding: 'utf8' }).trim()
}
