/**
 * Packs what is published: the main package and one package for each platform, as .tgz files.
 *
 * The optional dependencies of the main package are added here and are not in the repository, because a clone could not
 * be installed until the packages of its version are published. What only a clone needs is left out of package.json. In
 * a workflow, the packages name its repository. The licences of what a binary contains are gathered here too.
 *
 * `node scripts/release/pack.mjs FOLDER` takes the binaries from npm/<platform>/, where `npm run build:release` and
 * `napi artifacts` put them. With `--only BINARY` it packs that one alone, to try its platform.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { licensesOfBinaries } from '../lib/licenses/crates.mjs'
import { npm } from '../lib/npm.mjs'
import { platformManifests } from '../lib/platforms.mjs'
import { ROOT, isMain } from '../lib/root.mjs'
import { withRepository } from './repository.mjs'

/** In the packages of the platforms. That of the main package is made by the build, in dist/. */
const LICENSES = 'THIRD-PARTY-LICENSES.txt'
const FOR_CLONES = ['scripts', 'napi', 'devDependencies', 'overrides']

/** package.json of the main package as it is published, except for its repository. */
export function publishedManifest() {
  const manifest = readJson(join(ROOT, 'package.json'))
  const published = Object.fromEntries(Object.entries(manifest).filter(([field]) => !FOR_CLONES.includes(field)))
  const exactly = platformManifests().map(({ manifest: { name, version } }) => [name, version])
  return { ...published, optionalDependencies: Object.fromEntries(exactly) }
}

/**
 * @param {string} folder where the .tgz files go
 * @param {{ binary?: string, env?: object }} options `binary` is for tests on one machine: the path of the only binary
 * that is packed, whose name contains its platform. `env` is the environment of the workflow
 * @throws when a binary is missing, unless `binary` is given
 * @returns {{ manifest: object, file: string, files: string[] }[]} the platform packages, then the main one: the order
 * in which to publish
 */
export function pack(folder, { binary, env = process.env } = {}) {
  const stage = mkdtempSync(join(tmpdir(), 'mcp-pack-'))
  try {
    const common = { licenses: licensesOfBinaries(), only: binary, env }
    const folders = [
      ...platformManifests().map((platform) => stagePlatform(stage, platform, common)),
      stageMain(stage, env),
    ]
    mkdirSync(folder, { recursive: true })
    const told = Object.values(
      JSON.parse(
        npm(['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(folder), ...folders], {
          cwd: stage,
          output: true,
        }),
      ),
    )
    return folders.map((staged) => {
      const manifest = readJson(join(staged, 'package.json'))
      const { filename, files } = told.find(({ name }) => name === manifest.name)
      return { manifest, file: join(folder, filename), files: files.map(({ path }) => path) }
    })
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

/**
 * What `node scripts/release/pack.mjs FOLDER` has packed, in the order in which to publish.
 * @throws when a package of this version is missing
 * @returns {{ manifest: object, file: string }[]}
 */
export function packagesIn(folder) {
  const manifests = [...platformManifests().map(({ manifest }) => manifest), publishedManifest()]
  const packages = manifests.map((manifest) => ({
    manifest,
    file: resolve(folder, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`),
  }))
  const missing = packages.filter(({ file }) => !existsSync(file)).map(({ file }) => basename(file))
  if (missing.length > 0)
    throw new Error(`${folder} lacks ${missing.join(', ')}: pack all packages of this version first`)
  return packages
}

/** package.json of a packed package. */
export function manifestIn(file) {
  // tar would take C:\… for the name of a machine.
  return JSON.parse(
    execFileSync('tar', ['-xzOf', '-', 'package/package.json'], { input: readFileSync(file), encoding: 'utf8' }),
  )
}

function stagePlatform(stage, { platform, manifest }, { licenses, only, env }) {
  const folder = join(stage, platform)
  const binary = only ?? join(ROOT, 'npm', platform, manifest.main)
  if (!existsSync(binary))
    throw new Error(`${binary} is missing: build it for ${platform}, or fetch it with "napi artifacts"`)
  mkdirSync(folder)
  cpSync(join(ROOT, 'npm', platform, 'README.md'), join(folder, 'README.md'))
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  writeFileSync(join(folder, LICENSES), licenses)
  writeJson(
    join(folder, 'package.json'),
    withRepository({ ...manifest, files: [...manifest.files, LICENSES] }, { directory: `npm/${platform}`, env }),
  )
  if (basename(binary) === manifest.main) cpSync(binary, join(folder, manifest.main))
  return folder
}

function stageMain(stage, env) {
  const folder = join(stage, 'main')
  const manifest = publishedManifest()
  mkdirSync(folder)
  for (const path of [...manifest.files, 'README.md', 'LICENSE'])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  writeJson(join(folder, 'package.json'), withRepository(manifest, { env }))
  return folder
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}

if (isMain(import.meta.url)) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } })
  if (positionals.length !== 1) throw new Error('usage: node scripts/release/pack.mjs FOLDER [--only BINARY]')
  for (const { file } of pack(positionals[0], { binary: values.only })) console.log(file)
}
