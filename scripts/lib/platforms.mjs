/** The packages of the platforms under npm/, which hold the binaries. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'

/**
 * The manifests of the platform packages, as they are in the repository.
 * @returns {{ platform: string, manifest: object }[]} `platform` is the name of the folder
 */
export function platformManifests() {
  return readdirSync(join(ROOT, 'npm')).map((platform) => ({
    platform,
    manifest: JSON.parse(readFileSync(join(ROOT, 'npm', platform, 'package.json'), 'utf8')),
  }))
}
