/**
 * `node scripts/reserve-names.mjs [--registry URL]`: publishes an empty version 0.0.0 of each package that npm does not
 * know yet, by whoever is logged in there. It is for once, before the first release: npm lets a workflow be trusted
 * only with a package that exists.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { platformManifests, publishedManifest } from './pack.mjs'
import { isPublished, registryOptions } from './publish.mjs'
import { npm } from './setup.mjs'

/** @param {string} [registry] another one than npm's, for a rehearsal */
export function reserveNames(registry) {
  const where = registry === undefined ? [] : registryOptions(registry)
  for (const { name, license } of [...platformManifests().map(({ manifest }) => manifest), publishedManifest()]) {
    if (isPublished(name, where)) {
      console.log(`${name} is there already`)
      continue
    }
    const folder = mkdtempSync(join(tmpdir(), 'mcp-name-'))
    try {
      const described = 'Empty: it keeps the name until the first release.'
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { registry: { type: 'string' } } })
  reserveNames(values.registry)
}
