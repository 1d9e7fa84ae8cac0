/** `npm test`: sets up and runs all checks and tests, as CI does. */
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { ROOT } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'
import { node, run, runSteps } from '../lib/steps.mjs'
import { setUpBrowser } from './browser.mjs'
import { NEEDING_PROGRAMS, sampleOfNetworkSteps } from './networks.mjs'
import { PORTABLE_SAMPLE } from './portable.mjs'

const TYPESCRIPT = 'node_modules/typescript/bin/tsc'

setUp()
findBrowser()
const { build } = await import('../build/all.mjs')

/** Code of users in environments other than Node.js, and the examples. */
const PROJECTS = [
  '__test__/types/page/tsconfig.json',
  '__test__/types/page/react18.tsconfig.json',
  '__test__/types/electron/tsconfig.json',
  'examples/web-search/tsconfig.json',
  'examples/electron/tsconfig.json',
  'examples/electron/page.tsconfig.json',
]

await runSteps([
  ['the rules of the house', () => node('scripts/check/rooms.mjs')],
  ['circles between Rust files', () => node('scripts/check/circles.mjs')],
  ['Biome: format and lint', () => node('node_modules/@biomejs/biome/bin/biome', 'ci', '--error-on-warnings', '.')],
  ['the width of comments', () => node('scripts/check/comment-width.mjs')],
  ['the module for pages', () => node('scripts/check/page-module.mjs')],
  ['cargo fmt', () => run('cargo', 'fmt', '--all', '--check')],
  ['cargo clippy', () => run('cargo', 'clippy', '--locked', '--all-targets', '--', '-D', 'warnings')],
  // As the module is built, without what only the addon needs.
  ['cargo clippy for pages', () => run('cargo', 'clippy', '--locked', '--package=mcp-page', '--', '-D', 'warnings')],
  ['cargo test', () => run('cargo', 'test', '--locked')],
  ['the build', buildAndCompare],
  ['the types', checkTypes],
  ['node --test', () => node('--test', '--test-timeout=120000', ...testFiles())],
  ...PORTABLE_SAMPLE,
  ...sampleOfNetworkSteps(),
])

/** A missing browser is reported before anything is built. */
function findBrowser() {
  try {
    console.log(`The browser of the tests: ${setUpBrowser()}`)
  } catch ({ message }) {
    console.error(message)
    process.exit(1)
  }
}

/** The build generates the binding's types: the committed file must be up to date. */
async function buildAndCompare() {
  const committed = readFileSync(`${ROOT}js/native/binding.d.ts`, 'utf8')
  await build()
  if (readFileSync(`${ROOT}js/native/binding.d.ts`, 'utf8') !== committed) {
    throw new Error('js/native/binding.d.ts is not what the build makes: commit what it has made now')
  }
}

/** Compiles users' code against the public types, with the types of each supported Node.js. */
function checkTypes() {
  for (const types of ['node20', 'node22', 'node24', 'node']) {
    // The compiler looks for "node" in this folder, which has only that version.
    const roots = `node_modules/.cache/types-of-${types}`
    rmSync(`${ROOT}${roots}`, { recursive: true, force: true })
    mkdirSync(`${ROOT}${roots}`, { recursive: true })
    symlinkSync(`${ROOT}node_modules/@types/${types}`, `${ROOT}${roots}/node`, 'junction')
    node(TYPESCRIPT, '--project', '__test__/types', '--typeRoots', roots, '--types', 'node')
    console.log(`the contract and the usage compile with @types/${types}`)
  }
  for (const project of PROJECTS) {
    node(TYPESCRIPT, '--project', project)
    console.log(`${project} compiles`)
  }
}

/** All but those whose step says what they need. */
function testFiles() {
  const all = ['__test__', 'scripts/__test__'].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`)
      .filter((name) => name.endsWith('.test.mjs'))
      .map((name) => `${folder}/${name}`),
  )
  return all.filter((file) => !NEEDING_PROGRAMS.includes(file))
}
