/** The bundles in dist/: they need nothing that users do not have. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const run = promisify(execFile)

describe('bundles', () => {
  /** dist/ alone in a folder where no package can be found. */
  async function distAlone(t) {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-dist-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await cp(DIST, join(folder, 'dist'), { recursive: true })
    return folder
  }

  test('the test server runs where nothing is installed, required and imported by name', async (t) => {
    const folder = await distAlone(t)
    await writeFile(
      join(folder, 'required.cjs'),
      `
      const { MCPTestServer } = require('./dist/testing.js')
      MCPTestServer.listen().then((server) => server.close()).then(() => console.log('done'))
    `,
    )
    await writeFile(
      join(folder, 'imported.mjs'),
      `
      import { MCPTestServer, ToolFailure } from './dist/testing.js'
      const server = await MCPTestServer.listen({ tools: { no: () => { throw new ToolFailure('no') } } })
      await server.close()
      console.log('done')
    `,
    )
    for (const file of ['required.cjs', 'imported.mjs']) {
      const { stdout } = await run(process.execPath, [file], { cwd: folder })
      assert.equal(stdout, 'done\n')
    }
  })

  test('the command runs where nothing is installed', async (t) => {
    const folder = await distAlone(t)
    const { stdout } = await run(process.execPath, ['dist/cli/main.js', '--help'], { cwd: folder })
    assert.match(stdout, /Usage: mcp-client/)
  })

  test('the test server does not contain the client', async () => {
    assert.doesNotMatch(await readFile(join(DIST, 'testing/main.js'), 'utf8'), /\/index\.js"|\.node"/)
  })

  /** The modules of the command line that the one of this name loads at once, itself among them. */
  async function loadedBy(name, loaded = new Set()) {
    if (loaded.has(name)) return loaded
    loaded.add(name)
    const code = await readFile(join(DIST, 'cli', name), 'utf8')
    const imports = [...code.matchAll(/\b(?:from|import) ?"(\.[^"]+\.mjs)"/g)].map(([, path]) => path)
    for (const path of imports) await loadedBy(path.replace(/^\.\//, ''), loaded)
    return loaded
  }

  test('each command of the command line loads what it needs when it runs, and contains neither client nor server', async () => {
    const atStart = [...(await loadedBy('program.mjs'))]
    const all = (await readdir(join(DIST, 'cli'))).filter((name) => name.endsWith('.mjs'))
    const commands = ['call', 'completion', 'doctor', 'monitor', 'screen', 'serve', 'watch'].map((name) =>
      all.find((file) => file.startsWith(`${name}-`)),
    )
    for (const command of commands) assert.ok(!atStart.includes(command), `${command} is loaded at the start`)
    assert.ok(atStart.length > 1 && atStart.length < all.length - commands.length, atStart.join())
    const code = await Promise.all(all.map((name) => readFile(join(DIST, 'cli', name), 'utf8')))
    assert.match(code.join(), /import\("\.\.\/index\.js"\)/)
    assert.match(code.join(), /import\("\.\.\/testing\.js"\)/)
    assert.doesNotMatch(code.join(), /WebSocketServer|\bfrom ?"\.\.\/(index|testing)\.js"/)
  })

  test('loading the server loads neither the client nor anything native', async () => {
    const script = `
      require(${JSON.stringify(join(DIST, 'testing.js'))})
      console.log(Object.keys(require.cache).map((path) => require('node:path').basename(path)).sort().join())
    `
    const { stdout } = await run(process.execPath, ['-e', script])
    assert.equal(stdout, 'loopback.js,main.js,node-version.js,option-names.js,testing.js\n')
  })

  test('the licence of every bundled package goes along', async () => {
    const notices = await readFile(join(DIST, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
    const require = createRequire(import.meta.url)
    for (const name of ['chalk', 'commander', 'ink', 'minisearch', 'react', 'ws', 'yocto-spinner', 'yoga-layout']) {
      const folder = require.resolve(name).replace(/(node_modules[/\\][^/\\]+).*/, '$1')
      const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
      assert.ok(notices.includes(`\n${name} ${version} (MIT)\n`), `${name} is missing`)
    }
    const [, ...sections] = notices.split(/^-{80}$/m)
    for (const section of sections) assert.match(section, /Permission (is hereby granted|to use, copy)/)
  })
})
