/**
 * Builds js/ into dist/. The compiler checks and compiles everything. Parts that need other packages are then bundled
 * with them, because the published package has no dependencies, and the files that a bundle replaces are removed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { build } from 'esbuild'
import { licensesOfBundled } from '../lib/licenses/bundled.mjs'
import { MODULE } from '../lib/page-module.mjs'
import { ROOT, isMain } from '../lib/root.mjs'
import { buildCommandLine } from './js/command-line.mjs'
import { declarationsReachableFrom, TYPES_OF_PEERS, typesOfEntries } from './js/declarations.mjs'
import { buildForPages } from './js/pages.mjs'

const SOURCE = join(ROOT, 'js')
const OUTPUT = join(ROOT, 'dist')

/** What a client uses of js/shared, wherever it runs. */
const SHARED = [
  'shared/arguments',
  'shared/close-codes',
  'shared/errors',
  'shared/foreign',
  'shared/globals',
  'shared/internals',
  'shared/loopback',
  'shared/native-types',
  'shared/option-names',
  'shared/rejections',
  'shared/signals',
  'shared/snapshots',
  'shared/socket-events',
  'shared/socket-face',
  'shared/thrown',
]

/**
 * Each bundle: its entry, and the folders and files that it includes. Whatever else an entry imports from js/ stays a
 * `require`, so that there is one client and one server, whichever entry is loaded. The main entry is one file, because
 * each file takes time to load, and the first client loads a second one: `alone` are the files that nothing else
 * imports, `copied` those that others import too and that may exist twice. The entry of a bundle is in no other one.
 */
const BUNDLES = [
  {
    entry: 'index.ts',
    exportsPlainly: true,
    alone: ['client/client'],
    copied: ['client/contexts', 'client/node', 'native/node-version', 'shared/close-codes', 'shared/error-classes'],
  },
  {
    entry: 'client/node-client.ts',
    // The binary is looked for from its folder.
    output: 'client.js',
    folders: ['client', 'shared/client'],
    alone: ['native/environment', 'native/load', 'native/permissions'],
    copied: ['native/platform', ...SHARED],
    // So that there is one MCPError.
    exported: { 'shared/error-classes': 'index' },
  },
  { entry: 'native/failure.ts', copied: ['native/platform'] },
  { entry: 'client/log-output.ts' },
  { entry: 'client/dump-signal.ts' },
  { entry: 'client/replay.ts' },
  { entry: 'page/entries/module-text.ts', output: 'browser/module-text.js' },
  {
    entry: 'page/entries/inline.ts',
    output: 'browser/portable-inline.js',
    folders: ['page', 'shared/client'],
    // As CommonJS there is no other form of it.
    alone: ['portable'],
    copied: [...SHARED, 'shared/emitter', 'shared/error-classes'],
  },
  {
    entry: 'client/portable-binding.ts',
    output: 'portable-binding.js',
    folders: ['page', 'shared/client'],
    copied: SHARED,
  },
  { entry: 'testing/main.ts', folders: ['testing'] },
  { entry: 'opentelemetry/main.ts', folders: ['opentelemetry'] },
]

/** Declarations of ES modules: what they declare is the same as in CommonJS. */
const DECLARATIONS = { 'portable.d.mts': "export * from './portable.js'\n", 'portable-worker.d.mts': 'export {};\n' }

/** Native helpers that `ws` uses if users have installed them, and a peer that only users of its entry need. */
const OPTIONAL_PACKAGES = ['bufferutil', 'utf-8-validate', '@opentelemetry/api']

/** What the conditions of whoever loads the package choose: `imports` in package.json. */
const CHOSEN_BY_CONDITION = ['#bundled-binary']

export async function buildJs() {
  compile()
  const metafiles = []
  for (const bundle of BUNDLES) metafiles.push(await makeBundle(bundle))
  const commandLine = await buildCommandLine(ROOT, SOURCE, OUTPUT, await constants())
  metafiles.push(commandLine)
  await buildForPages(SOURCE, OUTPUT, await constants())
  for (const [name, text] of Object.entries(DECLARATIONS)) await writeFile(join(OUTPUT, name), text)
  await writeFile(join(OUTPUT, 'THIRD-PARTY-LICENSES.txt'), await licensesOfBundled(ROOT, metafiles))
  await removeLeftovers(commandLine)
  metafiles.forEach(checkImports)
  await chmod(join(OUTPUT, 'cli/main.js'), 0o755)
}

function compile() {
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  execFileSync(process.execPath, [join(dirname(typescript), 'bin/tsc'), '--project', ROOT], { stdio: 'inherit' })
}

async function constants() {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const module = await readFile(MODULE, 'base64')
  return { PACKAGE_VERSION: JSON.stringify(version), PAGE_MODULE: JSON.stringify(module) }
}

async function makeBundle(bundle) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(SOURCE, bundle.entry)],
    outfile: outputOf(bundle),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    // A Node.js that is too old must be able to parse the code that says so. From this version on it loads the file
    // itself, by the condition `node-addons` in package.json; an older one loads index.js, which says it.
    target: 'node14.19',
    define: await constants(),
    external: [...OPTIONAL_PACKAGES, '*/package.json', ...CHOSEN_BY_CONDITION],
    // The list of side effects in package.json is about the files in dist/.
    ignoreAnnotations: true,
    plugins: [requireTheRest(bundle)],
    metafile: true,
    logLevel: 'warning',
  })
  const code = giveNamesBack(await readFile(outputOf(bundle), 'utf8'))
  await writeFile(outputOf(bundle), bundle.exportsPlainly ? exportPlainly(code) : code)
  return metafile
}

/** Stack traces show the names of classes, and esbuild renames a class that refers to itself. */
function giveNamesBack(code) {
  const renamed = [...code.matchAll(/\bvar (\w+) = class _\1\b/g)].map(([, name]) => name)
  return renamed.length === 0 ? code : code.replaceAll(new RegExp(`\\b_(${renamed.join('|')})\\b`, 'g'), '$1')
}

/**
 * Exports plain properties instead of getters, which take time to define whenever the package is loaded. The exports
 * never change.
 */
function exportPlainly(code) {
  const helpers = /^var __defProp = .*?^module\.exports = __toCommonJS\(\w+\);\n/ms
  const names = /^\/\/ Annotate the CommonJS export names.*\n0 && \((module\.exports = \{[^}]*\})\);$/m
  const plain = code.replace(helpers, '').replace(names, '$1;')
  if (!plain.includes('\nmodule.exports = {') || /\b__\w+\(/.test(plain))
    throw new Error('exportPlainly() does not recognize how esbuild writes exports: adapt its patterns')
  return plain
}

/** Imports from js/ that are not part of the bundle become a `require` of the compiled file in dist/. */
function requireTheRest(bundle) {
  const { folders = [], alone = [], copied = [], exported = {} } = bundle
  const files = [...alone, ...copied].map((file) => join(SOURCE, `${file}.js`))
  const isEntry = (target) => BUNDLES.some(({ entry }) => target === join(SOURCE, entry.replace(/ts$/, 'js')))
  const isInFolders = (target) => folders.some((folder) => target.startsWith(join(SOURCE, folder) + sep))
  const isOwn = (target) => files.includes(target) || (isInFolders(target) && !isEntry(target))
  return {
    name: 'require-the-rest',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, kind }) => {
        const target = resolve(resolveDir, path)
        if (kind === 'entry-point' || !target.startsWith(SOURCE + sep) || isOwn(target)) return undefined
        const file = relative(SOURCE, target).replaceAll(sep, '/').replace(/\.js$/, '')
        const fromBundle = relative(dirname(outputOf(bundle)), compiledOf(exported[file] ?? file)).replaceAll(sep, '/')
        return { path: `${fromBundle.startsWith('.') ? '' : './'}${fromBundle}`, external: true }
      })
    },
  }
}

/** @throws when a bundle requires something that users do not have */
function checkImports({ outputs }) {
  for (const [output, { imports }] of Object.entries(outputs)) {
    for (const { path } of imports.filter(({ external }) => external)) {
      const isThere = path.startsWith('.')
        ? existsSync(resolve(ROOT, dirname(output), path))
        : isBuiltin(path) || OPTIONAL_PACKAGES.includes(path) || CHOSEN_BY_CONDITION.includes(path)
      if (!isThere) throw new Error(`${output} requires ${path}, which the package does not contain`)
    }
  }
}

/** Keeps the bundles in their own folders, and the declarations that public types are made of; the rest is removed. */
async function removeLeftovers(commandLine) {
  const kept = new Set([
    ...BUNDLES.map(outputOf),
    ...Object.keys(commandLine.outputs).map((path) => join(ROOT, path)),
    join(OUTPUT, 'cli/main.js'),
  ])
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  for (const [entry, types] of typesOfEntries(manifest)) {
    for (const file of await declarationsReachableFrom(join(ROOT, types), TYPES_OF_PEERS[entry])) kept.add(file)
  }
  for (const file of BUNDLES.flatMap(({ alone = [] }) => alone)) await rm(join(OUTPUT, `${file}.js`))
  for (const folder of new Set([...BUNDLES.flatMap(({ folders = [] }) => folders), 'cli']))
    await prune(join(OUTPUT, folder), (path) => kept.has(path))
  await prune(OUTPUT, (path) => kept.has(path) || !path.endsWith('.d.ts'))
}

/** Removes the files that are not kept, and the folders that become empty. */
async function prune(folder, isKept) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await prune(path, isKept)
    else if (!isKept(path)) await rm(path)
  }
  if ((await readdir(folder)).length === 0) await rmdir(folder)
}

function outputOf({ entry, output = entry.replace(/\.ts$/, '.js') }) {
  return join(OUTPUT, output)
}

/** The path in dist/ of a file of js/, which is named without its ending. */
function compiledOf(file) {
  const bundle = BUNDLES.find(({ entry }) => entry === `${file}.ts`)
  return bundle === undefined ? join(OUTPUT, `${file}.js`) : outputOf(bundle)
}

if (isMain(import.meta.url)) await buildJs()
