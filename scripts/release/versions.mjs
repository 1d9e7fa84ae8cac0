/**
 * The places that hold the version: the npm manifests and their lockfile, the Cargo workspace and its lockfiles. All
 * hold the same one. Reading them needs nothing but Node.js.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from '../lib/npm.mjs'
import { ROOT } from '../lib/root.mjs'

/**
 * @param {string} root the folder of the project
 * @returns {{ file: string, version: string }[]} each place with the version that it has now, package.json first
 */
export function versionsIn(root) {
  const read = (file) => readFileSync(join(root, file), 'utf8')
  const lock = JSON.parse(read('package-lock.json'))
  return [
    ...manifestsIn(root).map((file) => ({ file, version: JSON.parse(read(file)).version })),
    // Of the lockfile, and of the package that it is about.
    ...[lock, lock.packages['']].map(({ version }) => ({ file: 'package-lock.json', version })),
    ...CARGO.flatMap(({ file, pattern }) => versionsOf(file, [...read(file).matchAll(pattern)], pattern)),
  ]
}

/**
 * Writes a version into all places: npm into its manifest and lockfile, napi into the packages of the platforms.
 * @returns {string[]} the files that hold it
 */
export function setVersions(root, version) {
  npm(['version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts'], {
    cwd: root,
    output: true,
  })
  execFileSync(process.execPath, [join(ROOT, 'node_modules/@napi-rs/cli/dist/cli.js'), 'version'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (const { file, pattern } of CARGO) {
    const text = readFileSync(join(root, file), 'utf8')
    writeFileSync(
      join(root, file),
      text.replace(pattern, (...match) => `${match.at(-1).before}"${version}"`),
    )
  }
  return [...manifestsIn(root), 'package-lock.json', ...CARGO.map(({ file }) => file)]
}

/** The manifests for npm, as paths from the root. */
function manifestsIn(root) {
  return ['package.json', ...readdirSync(join(root, 'npm')).map((platform) => `npm/${platform}/package.json`)]
}

function versionsOf(file, matches, pattern) {
  if (matches.length === 0) throw new Error(`${file} has no version where one is expected: ${pattern}`)
  return matches.map(({ groups: { version } }) => ({ file, version }))
}

/**
 * A crate of the workspace has no source in a lockfile. The fuzz targets are a workspace of their own, and are never
 * released.
 */
const OWN_CRATE = /^(?<before>name = "(?!mcp-client-fuzz").*"\nversion = )"(?<version>[^"\n]*)"(?=\n(?!source))/gm

/**
 * Cargo itself has no command that sets a version, and cargo-edit would have to be compiled first. Each pattern matches
 * what is before the version, and the version. The crates inherit that of the workspace.
 */
const CARGO = [
  { file: 'Cargo.toml', pattern: /^(?<before>\[workspace\.package\]\nversion = )"(?<version>[^"]*)"/gm },
  { file: 'Cargo.lock', pattern: OWN_CRATE },
  { file: 'fuzz/Cargo.lock', pattern: OWN_CRATE },
]
