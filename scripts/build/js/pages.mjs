/**
 * What pages load: modules that a browser reads as they are, and the preload script of Electron, which must be one
 * file. Nothing native and nothing of Node.js may get in.
 */
import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

/**
 * The name of the module in dist/browser/, and what it is made of. They share what they have in common, so that there
 * is one MCPError.
 */
const MODULES = { react: 'react.ts', bridge: 'bridge.ts', 'electron-renderer': 'electron/renderer.ts' }

/** What is there on the user's machine. */
const EXTERNAL = ['react', 'electron']

const FORBIDDEN = ['client.ts', 'native.ts', 'hub.ts', 'call.ts', 'options.ts']

/**
 * @param {string} source absolute path of js/
 * @param {string} output absolute path of dist/
 */
export async function buildForPages(source, output) {
  const common = {
    absWorkingDir: source,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    keepNames: true,
    external: EXTERNAL,
    alias: { '#native-client': join(source, 'no-client.ts') },
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
  await removeOldChunks(join(output, 'browser'), modules.metafile)
}

function check({ inputs, outputs }) {
  for (const path of Object.keys(inputs)) {
    if (FORBIDDEN.includes(basename(path)) && !path.includes('/')) throw new Error(`${path} got into what pages load`)
  }
  for (const [name, { imports }] of Object.entries(outputs)) {
    const strange = imports.find(({ path, external }) => external && !EXTERNAL.includes(path))
    if (strange) throw new Error(`${name} asks for ${strange.path}, which a page does not have`)
  }
}

/** The names of the shared parts change with what is in them. */
async function removeOldChunks(folder, { outputs }) {
  const made = new Set(Object.keys(outputs).map((path) => basename(path)))
  for (const name of await readdir(folder)) if (!made.has(name)) await rm(join(folder, name))
}
