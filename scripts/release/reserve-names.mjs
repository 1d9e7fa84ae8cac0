/**
 * `node scripts/release/reserve-names.mjs [--registry URL]`: publishes an empty version 0.0.0 of each package that npm
 * does not know yet, as the user who is logged in. Run it once, before the first release: npm accepts a trusted
 * publisher only for a package that exists.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { npm } from '../lib/npm.mjs'
import { platformManifests } from '../lib/platforms.mjs'
import { isMain } from '../lib/root.mjs'
import { publishedManifest } from './pack.mjs'
import { isPublished, registryOptions } from './publish.mjs'

/** @param {string} [registry] another one than npm's, for a rehearsal */
export function reserveNames(registry) {
  const where = registry === undefined ? [] : registryOptions(registry)
  for (const { name, license } of [...platformManifests().map(({ manifest }) => manifest), publishedManifest()]) {
    if (isPublished(name, where)) {
      console.log(`${name} already exists`)
      continue
    }
    const folder = mkdtempSync(join(tmpdir(), 'mcp-name-'))
    try {
      const described = 'Empty: it reserves the name until the first release.'
      writeFileSync(
        join(folder, 'package.json'),
        JSON.stringify({ name, version: '0.0.0', description: described, license }),
      )
      writeFileSync(join(folder, 'README.md'), `# \`${name}\`\n\n${described}\n`)
      npm(['publish', folder, '--access=public', '--ignore-scripts', '--loglevel=error', ...where], { cwd: folder })
      console.log(`${name} is reserved`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({ options: { registry: { type: 'string' } } })
  reserveNames(values.registry)
}
