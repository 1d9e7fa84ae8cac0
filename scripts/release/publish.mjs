/**
 * `node scripts/release/publish.mjs FOLDER [--registry URL]`: publishes what `node scripts/release/pack.mjs FOLDER` has
 * packed. The packages of the platforms go first, so that whoever gets the main package gets them too. Packages that
 * are published already are skipped: after a failure, run the same command again.
 *
 * The release workflow publishes to npm as a trusted publisher (OIDC): there is no token, and npm records where each
 * package was built. Another registry is for a rehearsal.
 */
import { parseArgs } from 'node:util'
import semver from 'semver'
import { npm } from '../lib/npm.mjs'
import { isMain } from '../lib/root.mjs'
import { manifestIn, packagesIn } from './pack.mjs'
import { repositoryOffence } from './repository.mjs'

/**
 * @param {string} folder with the .tgz files
 * @param {string} [registry] another one than npm's
 * @throws before anything is published, when a package of this version is missing or npm would refuse one
 */
export function publish(folder, registry) {
  const packages = packagesIn(folder)
  const offence = registry === undefined ? repositoryOffence(packages.map(({ file }) => manifestIn(file))) : null
  if (offence !== null) throw new Error(`nothing is published: ${offence}`)
  const where = registry === undefined ? ['--provenance'] : registryOptions(registry)
  for (const { manifest, file } of packages) {
    const spec = `${manifest.name}@${manifest.version}`
    // Users get a release candidate only if they ask for it.
    const tag = semver.prerelease(manifest.version) === null ? 'latest' : 'next'
    try {
      npm(['publish', file, '--access=public', `--tag=${tag}`, '--ignore-scripts', '--loglevel=error', ...where])
      console.log(`${spec} is published as ${tag}`)
    } catch (error) {
      if (!isPublished(spec, where)) throw error
      console.log(`${spec} is already published`)
    }
  }
}

/** The options of npm for a registry of a rehearsal. */
export function registryOptions(registry) {
  return [`--registry=${registry}`, '--no-provenance', `--${registry.replace(/^https?:/, '')}:_authToken=rehearsal`]
}

/** Whether a registry has a package, or a version of it. */
export function isPublished(spec, where) {
  try {
    return npm(['view', spec, 'version', '--json', ...where], { output: true }).trim() !== ''
  } catch {
    return false
  }
}

if (isMain(import.meta.url)) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { registry: { type: 'string' } } })
  if (positionals.length !== 1) throw new Error('usage: node scripts/release/publish.mjs FOLDER [--registry URL]')
  try {
    publish(positionals[0], values.registry)
  } catch ({ message }) {
    console.error(message)
    process.exitCode = 1
  }
}
