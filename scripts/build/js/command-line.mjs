/**
 * Builds the command line: ES modules in dist/cli/, with the packages that they need. What a command loads when it runs
 * is a chunk of its own, so that a command costs the start of no other.
 */
import { join, relative, resolve, sep } from 'node:path'
import { build } from 'esbuild'

/** The packages of this project may be CommonJS, which needs `require` for the modules of Node.js. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

/**
 * @param {string} root the folder of the project
 * @param {string} source absolute path of js/
 * @param {string} output absolute path of dist/
 * @param {Record<string, string>} constants what names in the source stand for
 * @returns {Promise<import('esbuild').Metafile>}
 */
export async function buildCommandLine(root, source, output, constants) {
  const { metafile } = await build({
    absWorkingDir: root,
    // Of React, the half for production.
    define: { ...constants, 'process.env.NODE_ENV': '"production"' },
    entryPoints: [join(source, 'cli/program.mts')],
    outdir: join(output, 'cli'),
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    alias: { '@modelcontextprotocol/server/_shims': join(source, 'cli/mcp/sdk-shims.ts') },
    bundle: true,
    splitting: true,
    platform: 'node',
    // The CommonJS of some packages loads its own files in a way that cannot be bundled.
    mainFields: ['module', 'main'],
    format: 'esm',
    target: 'node20',
    // Nobody debugs it, and what it is bundled with is large.
    minify: true,
    banner: { js: REQUIRE },
    plugins: [importTheRest(source), withoutDevtools()],
    metafile: true,
    logLevel: 'warning',
  })
  return metafile
}

/** Imports from js/ that are not part of the command line become an `import` of the compiled file in dist/. */
function importTheRest(source) {
  return {
    name: 'import-the-rest',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, kind }) => {
        const target = relative(source, resolve(resolveDir, path))
        if (kind === 'entry-point' || target.startsWith('..') || target.startsWith(`cli${sep}`)) return undefined
        return { path: `../${target.replaceAll(sep, '/')}`, external: true }
      })
    },
  }
}

/** Ink loads the developer tools of React if a variable asks for them; they are not part of the command line. */
function withoutDevtools() {
  return {
    name: 'without-devtools',
    setup({ onLoad }) {
      onLoad({ filter: /node_modules[\\/]ink[\\/]build[\\/]devtools\.js$/ }, () => ({ contents: 'export {}' }))
    },
  }
}
