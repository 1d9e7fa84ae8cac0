/**
 * Builds what pages load: ES modules for browsers, and the preload script of Electron, which must be one file. Neither
 * may contain native code or anything of Node.js.
 */
import { copyFile, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { MODULE } from '../../lib/page-module.mjs'

/**
 * The name of each module in dist/browser/, and its source. Common code goes to shared chunks, so that there is one
 * MCPError.
 */
const MODULES = {
  react: 'react.ts',
  bridge: 'bridge.ts',
  retry: 'retry.ts',
  'electron-renderer': 'electron/renderer.ts',
  portable: 'portable.ts',
  'portable-inline': 'page/entries/inline.ts',
  'portable-worker': 'page/entries/worker.mts',
  workerd: 'page/entries/workerd.ts',
}

/** Packages that users have, and the module beside the code. */
const EXTERNAL = ['react', 'electron', './mcp-page.wasm']

/** Folders of js/ that no page may load. */
const FORBIDDEN = ['client', 'native', 'testing', 'cli']

/**
 * @param {string} source absolute path of js/
 * @param {string} output absolute path of dist/
 * @param {Record<string, string>} define what is written into the code
 */
export async function buildForPages(source, output, define) {
  const common = {
    absWorkingDir: source,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    // Writes constants where they are used, which the bundlers of users do not.
    minifySyntax: true,
    external: EXTERNAL,
    define,
    // The list of side effects in package.json is about the files in dist/.
    ignoreAnnotations: true,
    alias: { '#native-client': join(source, 'portable.ts') },
    metafile: true,
    logLevel: 'warning',
  }
  const entryPoints = Object.fromEntries(Object.entries(MODULES).map(([name, path]) => [name, join(source, path)]))
  const modules = await build({
    ...common,
    entryPoints,
    outdir: join(output, 'browser'),
    outExtension: { '.js': '.mjs' },
    chunkNames: 'shared-[hash]',
    format: 'esm',
    splitting: true,
  })
  const preload = await build({
    ...common,
    entryPoints: [join(source, 'electron/preload.ts')],
    outfile: join(output, 'electron/preload.js'),
    allowOverwrite: true,
    format: 'cjs',
  })
  for (const { metafile } of [modules, preload]) check(metafile)
  checkFormat(modules.metafile)
  await removeOldChunks(join(output, 'browser'), modules.metafile)
  await copyFile(MODULE, join(output, 'browser', basename(MODULE)))
}

function check({ inputs, outputs }) {
  for (const path of Object.keys(inputs)) {
    if (FORBIDDEN.includes(path.split('/')[0])) throw new Error(`${path} must not be part of what pages load`)
  }
  for (const [name, { imports }] of Object.entries(outputs)) {
    const strange = imports.find(({ path, external }) => external && !EXTERNAL.includes(path))
    if (strange) throw new Error(`${name} imports ${strange.path}, which a page does not have`)
  }
}

/** What a CommonJS module imports is wrapped into functions, which takes space and time. */
function checkFormat({ inputs }) {
  for (const [path, { format }] of Object.entries(inputs))
    if (format !== 'esm')
      throw new Error(`${path} is no ES module to esbuild: let it export something, or name it .mts`)
}

/** The names of the shared chunks change with their content. */
async function removeOldChunks(folder, { outputs }) {
  const made = new Set(Object.keys(outputs).map((path) => basename(path)))
  for (const name of await readdir(folder)) if (name.endsWith('.mjs') && !made.has(name)) await rm(join(folder, name))
}
