/**
 * Packs what is published: the main package and one package for each platform, as .tgz files.
 *
 * What the main package asks for is written into it here and not in the repository: a clone could not be installed before the packages
 * of its version are published. For that, what only a clone needs of package.json stays out.
 *
 * `node scripts/pack.mjs FOLDER` takes the binaries from npm/<platform>/, where `npm run build:release` and `napi artifacts` lay them.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm } from './setup.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOR_CLONES = ['scripts', 'napi', 'devDependencies', 'overrides']

/** The manifests of the platform packages. */
export function platformManifests() {
  return readdirSync(join(ROOT, 'npm')).map((platform) => ({ platform, manifest: readJson(join(ROOT, 'npm', platform, 'package.json')) }))
}

/** package.json of the main package as it is published. */
export function publishedManifest() {
  const manifest = readJson(join(ROOT, 'package.json'))
  const published = Object.fromEntries(Object.entries(manifest).filter(([field]) => !FOR_CLONES.includes(field)))
  const exactly = platformManifests().map(({ manifest: { name, version } }) => [name, version])
  return { ...published, optionalDependencies: Object.fromEntries(exactly) }
}

/**
 * @param {string} folder where the .tgz files go
 * @param {{ binary?: string }} options `binary` is for tests on one machine: the path of the one binary that is packed, whose name says the
 * platform; the packages of the others are packed without
 * @throws without `binary`, when that of a platform is not there
 * @returns {{ manifest: object, file: string, files: string[] }[]} the platform packages, then the main one: the order in which to publish
 */
export function pack(folder, { binary } = {}) {
  const stage = mkdtempSync(join(tmpdir(), 'mcp-pack-'))
  try {
    const folders = [...platformManifests().map((platform) => stagePlatform(stage, platform, binary)), stageMain(stage)]
    mkdirSync(folder, { recursive: true })
    const told = Object.values(JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(folder), ...folders], { cwd: stage, output: true })))
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
 * What `node scripts/pack.mjs FOLDER` has left there, in the order in which to publish.
 * @throws when a package of this version is not there
 * @returns {{ manifest: object, file: string }[]}
 */
export function packagesIn(folder) {
  const manifests = [...platformManifests().map(({ manifest }) => manifest), publishedManifest()]
  const packages = manifests.map((manifest) => ({ manifest, file: resolve(folder, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`) }))
  const missing = packages.filter(({ file }) => !existsSync(file)).map(({ file }) => basename(file))
  if (missing.length > 0) throw new Error(`${folder} lacks ${missing.join(', ')}: pack all packages of this version first`)
  return packages
}

function stagePlatform(stage, { platform, manifest }, only) {
  const folder = join(stage, platform)
  const binary = only ?? join(ROOT, 'npm', platform, manifest.main)
  if (!existsSync(binary)) throw new Error(`${binary} is not there: build it for ${platform}, or fetch it with "napi artifacts"`)
  for (const file of ['package.json', 'README.md']) cpSync(join(ROOT, 'npm', platform, file), join(folder, file))
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  if (basename(binary) === manifest.main) cpSync(binary, join(folder, manifest.main))
  return folder
}

function stageMain(stage) {
  const folder = join(stage, 'main')
  const manifest = publishedManifest()
  mkdirSync(folder)
  for (const path of [...manifest.files, 'README.md', 'LICENSE']) cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return folder
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) throw new Error('usage: node scripts/pack.mjs FOLDER')
  for (const { file } of pack(folder)) console.log(file)
}
