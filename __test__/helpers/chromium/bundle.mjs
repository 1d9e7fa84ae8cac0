/** Makes one script for a page of tests that were written for Node.js. */
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { ROOT } from '../root.mjs'

const PAGE = join(dirname(fileURLToPath(import.meta.url)), 'page')

/** What takes the place of modules of Node.js and of packages. Of the other modules, nearly everything is missing. */
const SHIMS = {
  'node:assert/strict': 'assert.mjs',
  'node:buffer': 'node.mjs',
  'node:events': 'node.mjs',
  'node:test': 'test.mjs',
  ws: 'relay.mjs',
}

/** The same for files of the project. */
const FILES = {
  '__test__/helpers/ports.mjs': 'ports.mjs',
  'js/testing/listener.js': 'relay.mjs',
  'js/testing/node.js': 'node.mjs',
}

/**
 * @param {string[]} suites paths in the project
 * @returns {Promise<Map<string, string>>} modules by their names; that of a suite is `<its name>.mjs`. After it was
 * loaded, a page has a global `runAll`.
 */
export async function bundleSuites(suites) {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: suites.map((path) => ({ in: `suite:${path}`, out: nameOf(path) })),
    outdir: '/',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    keepNames: true,
    ignoreAnnotations: true,
    define: { PACKAGE_VERSION: '"0.0.0"' },
    inject: [join(PAGE, 'globals.mjs')],
    external: ['/client/*'],
    plugins: [asInPages()],
    logLevel: 'error',
  })
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]))
}

function asInPages() {
  return {
    name: 'as-in-pages',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^suite:/ }, ({ path }) => ({ path: path.replace('suite:', ''), namespace: 'suite' }))
      onLoad({ filter: /.*/, namespace: 'suite' }, ({ path }) => ({ contents: runnable(path), resolveDir: ROOT }))
      // As a page without a bundler loads it; the relay serves dist/browser there.
      onResolve({ filter: /^@mcp-integration\/client$/ }, () => ({ path: '/client/portable.mjs', external: true }))
      onResolve({ filter: /^@mcp-integration\/client\/testing$/ }, () => ({ path: join(PAGE, 'testing.mjs') }))
      onResolve({ filter: /^(node:|ws$)/ }, ({ path }) => {
        const shim = SHIMS[path]
        return shim === undefined ? { path, namespace: 'missing' } : { path: join(PAGE, shim) }
      })
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const shim = Object.entries(FILES).find(([file]) => join(resolveDir, path) === join(ROOT, file))?.[1]
        return shim === undefined ? undefined : { path: join(PAGE, shim) }
      })
      onLoad({ filter: /.*/, namespace: 'missing' }, async ({ path }) => ({
        contents: await missing(path),
        resolveDir: PAGE,
      }))
    },
  }
}

function runnable(suite) {
  const runner = JSON.stringify(join(PAGE, 'test.mjs'))
  return `import './${suite}'\nimport { runAll } from ${runner}\nglobalThis.runAll = runAll`
}

/** A module of Node.js of which everything throws when it is called, but for what node.mjs has. */
async function missing(name) {
  const names = Object.keys(await import(name)).filter((key) => key !== 'default')
  const exported = names.map((key) => `export const ${key} = known.${key} ?? known.missing('${name} › ${key}')`)
  return ["import * as known from './node.mjs'", ...exported, 'export default {}'].join('\n')
}

/** The name of a suite, in results. */
export function nameOf(path) {
  return basename(path, '.test.mjs')
}
