/**
 * The places that hold the version: the npm manifests and their lockfile, the Cargo workspace and its lockfiles. All
 * have the same one.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param {string} root the folder of the project
 * @returns {{ file: string, version: string }[]} each place with the version that it has now, package.json first
 */
export function versionsIn(root) {
  return places(root).flatMap(({ file, read }) => {
    const versions = read(readFileSync(join(root, file), 'utf8'))
    if (versions.length === 0 || versions.includes(undefined))
      throw new Error(`${file} has no version where it is looked for`)
    return versions.map((version) => ({ file, version }))
  })
}

/**
 * Writes a version into all places.
 * @returns {string[]} the files that hold it
 */
export function setVersions(root, version) {
  return places(root).map(({ file, write }) => {
    writeFileSync(join(root, file), write(readFileSync(join(root, file), 'utf8'), version))
    return file
  })
}

function places(root) {
  const manifests = ['package.json', ...platformFolders(root).map((folder) => `${folder}/package.json`)]
  return [
    ...manifests.map((file) => jsonPlace(file, (manifest) => [manifest])),
    // It says both of its root and of the package in it.
    jsonPlace('package-lock.json', (lock) => [lock, lock.packages['']]),
    // The crates inherit it.
    tomlPlace('Cargo.toml', /(?<=^\[workspace\.package\]\nversion = ")[^"]*/gm),
    ...['Cargo.lock', 'fuzz/Cargo.lock'].map((file) => tomlPlace(file, OWN_CRATE)),
  ]
}

/** @param {(json: object) => object[]} holders those that have a `version` */
function jsonPlace(file, holders) {
  return {
    file,
    read: (text) => holders(JSON.parse(text)).map(({ version }) => version),
    write: (text, version) => {
      const json = JSON.parse(text)
      for (const holder of holders(json)) holder.version = version
      return `${JSON.stringify(json, null, 2)}\n`
    },
  }
}

function tomlPlace(file, pattern) {
  return { file, read: (text) => text.match(pattern) ?? [], write: (text, version) => text.replace(pattern, version) }
}

/** Those of the packages that hold the binaries. */
function platformFolders(root) {
  const folder = join(root, 'npm')
  return existsSync(folder) ? readdirSync(folder).map((name) => `npm/${name}`) : []
}

/**
 * A crate of the workspace has no source in a lockfile. That of the fuzz targets belongs to another one, and has no
 * releases.
 */
const OWN_CRATE = /(?<=^name = "(?!mcp-client-fuzz").*"\nversion = ")[^"\n]*(?="\n(?!source))/gm
