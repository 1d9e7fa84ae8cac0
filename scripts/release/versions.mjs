/**
 * The places that hold the package's version: both manifests, their lockfiles, and the packages of the platforms. All
 * have the same one.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param {string} root the folder of the project
 * @returns {{ file: string, version: string }[]} each place with the version that it has now, package.json first
 */
export function versionsIn(root) {
  return places(root).flatMap(({ file, pattern }) => {
    const versions = [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(({ groups }) => groups.version)
    if (versions.length === 0) throw new Error(`${file} has no version where it is looked for: ${pattern}`)
    return versions.map((version) => ({ file, version }))
  })
}

/**
 * Writes a version into all places.
 * @returns {string[]} the files that hold it
 */
export function setVersions(root, version) {
  return places(root).map(({ file, pattern }) => {
    const text = readFileSync(join(root, file), 'utf8')
    writeFileSync(
      join(root, file),
      text.replace(pattern, (...match) => `${match.at(-1).before}"${version}"`),
    )
    return file
  })
}

/** Each pattern takes what stands before the version, and the version. */
function places(root) {
  const manifests = ['package.json', ...platformFolders(root).map((folder) => `${folder}/package.json`)]
  return [
    ...manifests.map((file) => ({ file, pattern: /^(?<before> {2}"version": )"(?<version>[^"]*)"/gm })),
    // It says both of its root and of the package in it.
    {
      file: 'package-lock.json',
      pattern: /^(?<before>(?: {2}| {4}"": \{\n {6}"name": .*\n {6})"version": )"(?<version>[^"]*)"/gm,
    },
    {
      file: 'Cargo.toml',
      pattern: /^(?<before>\[workspace\.package\]\n(?:[^[\n].*\n)*?version = )"(?<version>[^"]*)"/gm,
    },
    // What has no source is a crate of the workspace.
    { file: 'Cargo.lock', pattern: /^(?<before>name = ".*"\nversion = )"(?<version>[^"]*)"(?!\nsource)/gm },
  ]
}

/** Those of the packages that hold the binaries. */
function platformFolders(root) {
  const folder = join(root, 'npm')
  return existsSync(folder) ? readdirSync(folder).map((name) => `npm/${name}`) : []
}
