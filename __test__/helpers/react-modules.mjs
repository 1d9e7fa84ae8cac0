/** React as ES modules, which it is not published as: what a page without a bundler imports. */
import { createRequire } from 'node:module'
import { build } from 'esbuild'
import { PACKAGES, withReact } from './react-versions.mjs'
import { ROOT } from './root.mjs'
import { entry } from './site.mjs'

const NAMES = { react: 'react', 'react/jsx-runtime': 'jsx-runtime', 'react-dom/client': 'client' }

/**
 * The modules of React of that version as the files of a site, and the import map by which a page finds them and the
 * hook of the package.
 */
export async function reactModules(version) {
  const folder = `/react-${version}`
  const { outputFiles } = await build({
    entryPoints: Object.entries(NAMES).map(([request, out]) => ({ in: `entry:${request}`, out })),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    write: false,
    absWorkingDir: ROOT,
    define: { 'process.env.NODE_ENV': '"development"' },
    plugins: [exportsOf(version)],
    logLevel: 'error',
  })
  const paths = Object.entries(NAMES).map(([request, out]) => [request, `${folder}/${out}.js`])
  return {
    files: Object.fromEntries(
      outputFiles.map(({ path, text }) => [path.replaceAll('\\', '/').replace(/^\w:/, ''), text]),
    ),
    importMap: JSON.stringify({
      imports: { ...Object.fromEntries(paths), '@mcp-integration/client/react': entry('react') },
    }),
  }
}

/** A bundler cannot see the names that CommonJS exports. */
function exportsOf(version) {
  const packages = PACKAGES[version]
  const resolve = createRequire(import.meta.url).resolve
  const fileOf = (request) => {
    const [name, ...path] = request.split('/')
    return resolve([packages[name] ?? name, ...path].join('/'))
  }
  return {
    name: 'exports-of-react',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice('entry:'.length), namespace: 'entry' }))
      onResolve({ filter: /^react(-dom)?($|\/)/ }, ({ path }) => ({ path: fileOf(path) }))
      onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => {
        const names = Object.keys(withReact(version, (require) => require(path))).filter((name) => name !== 'default')
        const contents = `export { ${names.join(', ')} } from '${path}'\nexport { default } from '${path}'`
        return { contents, resolveDir: ROOT }
      })
    },
  }
}
