/** The bundles in dist/: they need nothing that users do not have. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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

  test('neither bundle contains the client, and the command does not contain the server', async () => {
    const [testing, cli] = await Promise.all(
      ['testing/main.js', 'cli/program.js'].map((file) => readFile(join(DIST, file), 'utf8')),
    )
    assert.doesNotMatch(testing, /\/index\.js"|\.node"/)
    assert.match(cli, /import\("\.\.\/index\.js"\)/)
    assert.match(cli, /import\("\.\.\/testing\.js"\)/)
    assert.doesNotMatch(cli, /WebSocketServer/)
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
    for (const name of ['commander', 'minisearch', 'ws']) {
      const folder = require.resolve(name).replace(/(node_modules[/\\][^/\\]+).*/, '$1')
      const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
      assert.ok(notices.includes(`\n${name} ${version} (MIT)\n`), `${name} is missing`)
    }
    assert.equal(notices.match(/Permission is hereby granted/g).length, 3)
  })
})
