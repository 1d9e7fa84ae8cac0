/** Bundlers, with the settings of docs/bundlers.md, and without any. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseDocument } from '../../../__test__/helpers/markdown.mjs'
import { MAIN, NAME, PROGRAMS } from '../../lib/install/workspace.mjs'
import { ROOT } from '../../lib/root.mjs'

export const BUNDLERS = [
  { name: 'esbuild', quick: true, run: withEsbuild },
  { name: 'esbuild, without settings', quick: true, run: withBareEsbuild },
  { name: 'webpack', run: withWebpack },
  { name: 'webpack, without settings', run: withBareWebpack },
  { name: 'Rollup', run: withRollup },
  { name: 'Vite, SSR', run: withVite },
  { name: 'ncc, whose output runs without `node_modules`', run: withNcc },
].map((row) => ({ group: 'Bundlers', ...row }))

async function withEsbuild(workspace) {
  const project = await workspace.installed({ ...PROGRAMS, ...settings('esbuild.options.mjs') })
  const { build, version } = createRequire(import.meta.url)('esbuild')
  const { default: options } = await import(pathToFileURL(join(project.folder, 'esbuild.options.mjs')))
  await build({ ...options, absWorkingDir: project.folder, logLevel: 'error' })
  await checkBundle(project, 'dist/app.mjs')
  return `esbuild ${version}`
}

async function withWebpack(workspace) {
  const project = await workspace.installed({ ...PROGRAMS, ...settings('webpack.config.mjs') }, [
    'webpack@5',
    'webpack-cli',
  ])
  const { stdout } = await project.bin('webpack-cli', 'webpack-cli', ['--config', 'webpack.config.mjs'])
  assert.doesNotMatch(stdout, /WARNING|ERROR/)
  await checkBundle(project, 'dist/app.mjs')
  return `webpack ${project.versionOf('webpack')}`
}

async function withRollup(workspace) {
  const project = await workspace.installed({ ...PROGRAMS, ...settings('rollup.config.mjs') }, ['rollup@4'])
  const { stderr } = await project.bin('rollup', 'rollup', ['--config', 'rollup.config.mjs'])
  assert.doesNotMatch(stderr, /\(!\)/)
  await checkBundle(project, 'dist/app.mjs')
  return `Rollup ${project.versionOf('rollup')}`
}

async function withVite(workspace) {
  const project = await workspace.installed({ ...PROGRAMS, ...settings('vite.config.mjs') }, ['vite'])
  await project.bin('vite', 'vite', ['build', '--ssr', 'app.mjs', '--logLevel', 'error'])
  await checkBundle(project, 'dist/app.mjs')
  // And as the development server loads it.
  const dev = `import { createServer } from 'vite'
    const server = await createServer({ server: { middlewareMode: true, ws: false, hmr: false }, appType: 'custom', logLevel: 'error' })
    const { main } = await server.ssrLoadModule('/main.mjs')
    console.log(JSON.stringify(await main()))
    await server.close()`
  project.write({
    'main.mjs': MAIN.import.replace('async function main', 'export async function main'),
    'dev.mjs': dev,
  })
  await project.answers('dev.mjs')
  return `Vite ${project.versionOf('vite')}`
}

async function withBareEsbuild(workspace) {
  const project = await workspace.installed(PROGRAMS)
  const { build, version } = createRequire(import.meta.url)('esbuild')
  const common = { absWorkingDir: project.folder, bundle: true, platform: 'node', logLevel: 'error' }
  for (const entry of Object.keys(PROGRAMS)) {
    await build({ ...common, entryPoints: [entry], outfile: 'dist/app.cjs', allowOverwrite: true })
    await project.answers('dist/app.cjs')
  }
  return `esbuild ${version}`
}

/** As CommonJS and as an ES module, which does not know its folder. */
async function withBareWebpack(workspace) {
  const options = { mode: 'production', target: 'node20', entry: './app.mjs' }
  const project = await workspace.installed(
    {
      ...PROGRAMS,
      'required.json': options,
      'imported.json': {
        ...options,
        experiments: { outputModule: true },
        output: { filename: 'main.mjs', module: true },
      },
    },
    ['webpack@5', 'webpack-cli'],
  )
  for (const config of ['required.json', 'imported.json']) {
    const { stdout } = await project.bin('webpack-cli', 'webpack-cli', ['--config', config])
    // The test server asks for two packages that few have.
    assert.doesNotMatch(stdout, /ERROR|Critical dependency/)
  }
  for (const bundle of ['dist/main.js', 'dist/main.mjs']) await project.answers(bundle)
  return `webpack ${project.versionOf('webpack')}`
}

async function withNcc(workspace) {
  const project = await workspace.installed({ 'app.js': PROGRAMS['app.cjs'], 'app.mjs': PROGRAMS['app.mjs'] }, [
    '@vercel/ncc',
  ])
  for (const [entry, output] of [
    ['app.js', 'index.js'],
    ['app.mjs', 'index.mjs'],
  ]) {
    await project.bin('@vercel/ncc', 'ncc', ['build', entry, '--out', 'dist', '--no-cache'])
    const elsewhere = workspace.project()
    cpSync(join(project.folder, 'dist'), elsewhere.folder, { recursive: true })
    await elsewhere.answers(output)
  }
  return `ncc ${project.versionOf('@vercel/ncc')}`
}

/** The block of docs/bundlers.md that begins with the name of the file, and has this text. */
export function settings(file, text = '') {
  const { blocks } = parseDocument('docs/bundlers.md', readFileSync(join(ROOT, 'docs/bundlers.md'), 'utf8'))
  const found = blocks.find(({ code }) => code.startsWith(`// ${file}\n`) && code.includes(text))
  assert.ok(found, `docs/bundlers.md has no ${file}`)
  return { [file]: found.code }
}

/** The bundle works, and requires the package instead of including it. */
async function checkBundle(project, file) {
  await project.answers(file)
  assert.match(project.read(file), new RegExp(`["']${NAME}["']`))
  assert.doesNotMatch(project.read(file), /mcp-client\.\$\{/)
}
