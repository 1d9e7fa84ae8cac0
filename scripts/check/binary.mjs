/**
 * `node scripts/check/binary.mjs FILE…`: checks whether a binary may be published. It must be small and must not
 * name folders of the machine that built it, as far as this machine knows them; for Linux it must also run with glibc
 * 2.17, need no other library, and be stripped. `readelf` reads the file; it is part of binutils, which every C
 * compiler comes with.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { privateFolders } from '../lib/machine-paths.mjs'
import { isMain } from '../lib/root.mjs'

export const MOST_BYTES = 4_500_000
export const NEWEST_GLIBC = '2.17'

/** The libraries that every Linux with glibc, or with musl, has. */
const LIBRARIES = /^(lib(c|m|dl|pthread|rt|util)\.so\.\d|ld-linux.*\.so\.\d|libc\.musl-.*\.so\.1|libc\.so)$/

/** What is wrong with a binary, one phrase each. */
export function offences(file) {
  const { size } = statSync(file)
  const tooLarge = size > MOST_BYTES ? [`has ${size} bytes: at most ${MOST_BYTES} are allowed`] : []
  const common = [...tooLarge, ...pathOffences(readFileSync(file))]
  return file.includes('.linux-') ? [...common, ...linuxOffences(readElf(file), file.includes('musl'))] : common
}

/** The folders of the machine that built it, if the bytes of a binary name them. */
export function pathOffences(bytes, folders = privateFolders()) {
  const names = [...folders.flatMap((folder) => [`${folder}/`, `${folder}\\`]), '.cargo/registry', '.cargo\\registry']
  return names
    .filter((name) => bytes.includes(name))
    .map((name) => `names ${name}, a folder of the machine that built it`)
}

/** @param elf the output of readelf: `versions` of symbols, the `dynamic` section, the table of `sections` */
export function linuxOffences({ versions, dynamic, sections }, isMusl = false) {
  const found = glibcVersions(versions)
  return [
    ...found
      .filter((version) => isNewer(version, NEWEST_GLIBC))
      .map((version) => `needs GLIBC_${version}: at most ${NEWEST_GLIBC} is allowed`),
    ...(found.length === 0 && !isMusl ? ['names no version of glibc: it cannot be judged'] : []),
    ...(found.length > 0 && isMusl ? ['needs glibc, but is for musl'] : []),
    ...neededLibraries(dynamic)
      .filter((name) => !LIBRARIES.test(name))
      .map((name) => `needs ${name}, which not every system has`),
    ...(/\bSYMTAB\b/.test(sections) ? ['is not stripped: it has a symbol table'] : []),
  ]
}

/** The versions of glibc whose symbols are needed, the oldest first. */
export function glibcVersions(versions) {
  const all = [...versions.matchAll(/\bGLIBC_(\d+(?:\.\d+)*)/g)].map(([, version]) => version)
  return [...new Set(all)].sort((a, b) => (isNewer(a, b) ? 1 : -1))
}

export function readElf(file) {
  const ask = (option) => execFileSync('readelf', ['--wide', option, file], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  return { versions: ask('--version-info'), dynamic: ask('--dynamic'), sections: ask('--sections') }
}

function neededLibraries(dynamic) {
  return [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name)
}

function isNewer(version, limit) {
  const [a, b] = [version, limit].map((text) => text.split('.').map(Number))
  const at = a.findIndex((number, index) => number !== (b[index] ?? 0))
  return at >= 0 && a[at] > (b[at] ?? 0)
}

if (isMain(import.meta.url)) {
  const files = process.argv.slice(2)
  if (files.length === 0) throw new Error('usage: node scripts/check/binary.mjs FILE…')
  for (const file of files) {
    const found = offences(file)
    for (const offence of found) console.error(`${file} ${offence}`)
    if (found.length > 0) process.exitCode = 1
    else
      console.log(
        `${file} may be published: ${statSync(file).size} bytes${file.includes('-gnu') ? `, glibc ${glibcVersions(readElf(file).versions).at(-1)} or newer` : ''}`,
      )
  }
}
