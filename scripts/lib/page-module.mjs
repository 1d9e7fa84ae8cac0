/**
 * The WebAssembly module for pages, and what it is made of. It is committed, so that nobody needs another toolchain;
 * its stamp says which sources it was made of.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { ROOT } from './root.mjs'

export const MODULE = join(ROOT, 'js/page/mcp-page.wasm')
export const STAMP = join(ROOT, 'js/page/mcp-page.json')
/** The short names of what it exports. */
export const EXPORTS = join(ROOT, 'js/page/exports.ts')

/** The crates of the workspace that it consists of. */
const CRATES = ['mailbox', 'page', 'protocol']

/** What the module would not be the same without: code, not comments and tests; versions and settings. */
export function hashOfSources(root = ROOT) {
  const hash = createHash('sha256')
  for (const [name, text] of sources(root)) hash.update(`${name}\n${text}\n`)
  return hash.digest('hex')
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * Says what is wrong with the committed module.
 * @returns {string | undefined} a sentence with the remedy
 */
export function staleness(root = ROOT) {
  const { sources, module } = JSON.parse(readFileSync(join(root, relative(ROOT, STAMP)), 'utf8'))
  const remedy = 'run npm run build:page, and commit js/page/mcp-page.wasm with its stamp mcp-page.json'
  if (sha256(readFileSync(join(root, relative(ROOT, MODULE)))) !== module)
    return `js/page/mcp-page.wasm is not the module that its stamp names: ${remedy}`
  if (hashOfSources(root) !== sources)
    return `js/page/mcp-page.wasm is not made of the present sources of crates/${CRATES.join(', crates/')}: ${remedy}`
  return undefined
}

function sources(root) {
  const files = CRATES.flatMap((crate) => filesOf(join(root, 'crates', crate)))
  const named = files.map((path) => [relative(root, path).replaceAll(sep, '/'), codeOf(path)])
  const lock = packagesOf(
    readFileSync(join(root, 'Cargo.lock'), 'utf8'),
    CRATES.map((crate) => `mcp-${crate}`),
  )
  const manifest = settingsOf(readFileSync(join(root, 'Cargo.toml'), 'utf8'), lock)
  return [...named, ['Cargo.lock', lock.map(({ text }) => text).join('\n')], ['Cargo.toml', manifest]]
}

function filesOf(folder) {
  const isTest = (path) => /(^|\/)tests(\.rs$|\/)|(^|\/)(typescript|constants)\.rs$/.test(path)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.rs$|^Cargo\.toml$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !isTest(relative(folder, path).replaceAll(sep, '/')))
    .sort()
}

/** Without tests, which are at the foot of a file, and without lines that are comments. */
function codeOf(path) {
  const code = readFileSync(path, 'utf8').replaceAll('\r\n', '\n').split('\n#[cfg(test)]\nmod tests {')[0]
  return code
    .split('\n')
    .filter((line) => !/^\s*(\/\/|#|$)/.test(line) || /^\s*#!?\[/.test(line))
    .join('\n')
}

/**
 * These packages of the lock file and all that they need; the dependencies of their tests are among them. The versions
 * of the workspace's own are left out, because the module does not contain them: a release changes nothing else.
 */
function packagesOf(lock, names) {
  const all = lock
    .split('[[package]]\n')
    .slice(1)
    .map((text) => {
      const list = /dependencies = \[([^\]]*)\]/.exec(text)?.[1] ?? ''
      const name = /name = "(.*)"/.exec(text)[1]
      return {
        name,
        text: name.startsWith('mcp-') ? text.replace(/^version = .*\n/m, '') : text,
        needs: [...list.matchAll(/"([^" ]+)/g)].map(([, name]) => name),
      }
    })
  const reached = new Set()
  for (const waiting = [...names]; waiting.length > 0; ) {
    const name = waiting.pop()
    for (const found of all.filter((each) => each.name === name && !reached.has(each))) {
      reached.add(found)
      waiting.push(...found.needs)
    }
  }
  return all.filter((each) => reached.has(each))
}

/** The profile, and the lines of the dependencies. */
function settingsOf(manifest, packages) {
  const section = (name) => new RegExp(`^\\[${name.replace('.', '\\.')}\\]\\n([^[]*)`, 'm').exec(manifest)?.[1] ?? ''
  const isUsed = (line) => packages.some(({ name }) => line.startsWith(`${name} = `))
  const dependencies = /^\[workspace\.dependencies\]\n((?:(?!\[).*\n)*)/m.exec(manifest)[1].split('\n').filter(isUsed)
  return [section('profile.release'), section('profile.page'), ...dependencies].join('\n')
}
