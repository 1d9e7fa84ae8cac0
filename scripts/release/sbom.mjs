/**
 * `node scripts/release/sbom.mjs FOLDER`: writes what the published packages contain, as CycloneDX: `crates.cdx.json`
 * for the addon, and `npm.cdx.json` for what is bundled into dist/, which must have been built.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cargoTool } from '../lib/cargo-tool.mjs'
import { partsOf } from '../lib/licenses/texts.mjs'
import { npm } from '../lib/npm.mjs'
import { ROOT, isMain } from '../lib/root.mjs'

/** Everything that is linked into the binary of some platform. */
export function crates(folder) {
  const name = 'crates.cdx'
  const args = [
    'cyclonedx',
    '--format',
    'json',
    '--spec-version',
    '1.5',
    '--target',
    'all',
    '--no-build-deps',
    '--override-filename',
    name,
  ]
  execFileSync(cargoTool('cargo-cyclonedx'), args, { cwd: ROOT, stdio: 'inherit' })
  renameSync(join(ROOT, `${name}.json`), join(folder, `${name}.json`))
  // It writes one for each crate of the workspace. That of the addon has them all.
  for (const crate of readdirSync(join(ROOT, 'crates')))
    rmSync(join(ROOT, 'crates', crate, `${name}.json`), { force: true })
}

/** What npm knows about the packages that are bundled; others are not published. */
export function bundledPackages() {
  const bundled = partsOf(readFileSync(join(ROOT, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8'))
  const bom = JSON.parse(npm(['sbom', '--sbom-format', 'cyclonedx'], { output: true }))
  const { component } = bom.metadata
  component.name = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).name
  const isBundled = (ref) => bundled.includes(ref) || ref === component['bom-ref']
  const components = bom.components.filter((part) => isBundled(part['bom-ref']))
  const missing = bundled.filter((ref) => !components.some((part) => part['bom-ref'] === ref))
  if (missing.length > 0) throw new Error(`npm knows nothing about ${missing.join(', ')}, which dist/ contains`)
  const dependencies = bom.dependencies
    .filter(({ ref }) => isBundled(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isBundled) }))
  return { ...bom, components, dependencies }
}

if (isMain(import.meta.url)) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) throw new Error('usage: node scripts/release/sbom.mjs FOLDER')
  mkdirSync(folder, { recursive: true })
  crates(folder)
  writeFileSync(join(folder, 'npm.cdx.json'), `${JSON.stringify(bundledPackages(), null, 2)}\n`)
}
