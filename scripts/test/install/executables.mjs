/** Programs in one file: executables, and snapshots of a heap. */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ANSWER, MAIN, NAME, PROGRAMS, nodeOf, tool } from '../../lib/install/workspace.mjs'

const { platformName } = createRequire(import.meta.url)('../../../dist/native/platform.js')
const BINARY = `mcp-client.${platformName()}.node`
const ONLY_LINUX =
  process.platform !== 'linux' && 'on this system an executable that was changed has to be signed before it runs'

export const EXECUTABLES = [
  { name: 'Node.js, single executable application', without: ONLY_LINUX, run: asSingleExecutable },
  { name: 'Node.js, start-up snapshot', run: inSnapshot },
  { name: '`bun build --compile`, moved elsewhere', run: compiledByBun },
].map((row) => ({ group: 'Executables', ...row }))

/** Mark of the place in the program that postject fills: docs of Node.js, "Single executable applications". */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** The binary is beside the executable, or MCP_CLIENT_NATIVE_PATH names it. */
async function asSingleExecutable(workspace) {
  const { program, version } = await nodeOf(24)
  const project = await workspace.installed(
    {
      ...PROGRAMS,
      'sea.json': { main: 'app.bundle.cjs', output: 'app.blob', disableExperimentalSEAWarning: true },
    },
    ['postject'],
  )
  await bundle(project, 'app.mjs', 'app.bundle.cjs')
  await project.run(program, ['--experimental-sea-config', 'sea.json'])
  const elsewhere = workspace.project()
  const executable = join(elsewhere.folder, 'app')
  copyFileSync(program, executable)
  await project.bin('postject', 'postject', [executable, 'NODE_SEA_BLOB', 'app.blob', '--sentinel-fuse', FUSE])
  const refused = await elsewhere.run(executable, [], { codes: [1] })
  assert.match(refused.stderr, /put the \.node file beside the program/)
  const binary = binaryIn(project)
  const named = await elsewhere.run(executable, [], { env: { MCP_CLIENT_NATIVE_PATH: binary } })
  assert.equal(named.stdout.trim(), ANSWER)
  copyFileSync(binary, join(elsewhere.folder, BINARY))
  assert.equal((await elsewhere.run(executable, [])).stdout.trim(), ANSWER)
  return `Node.js ${version}`
}

async function inSnapshot(workspace) {
  const { program, version } = await nodeOf(24)
  const project = await workspace.installed({
    // The server is not part of the snapshot: Node.js does not know whether its HTTP server may be.
    'app.mjs': `import { MCPClient } from '${NAME}'
import v8 from 'node:v8'
v8.startupSnapshot.setDeserializeMainFunction(async () => {
  const client = new MCPClient(process.env.MCP_WS_URL)
  console.log(JSON.stringify(await client.useTool('echo', { hello: 'world' })))
  await client.close()
})`,
  })
  await bundle(project, 'app.mjs', 'app.bundle.cjs')
  await project.run(program, ['--snapshot-blob', 'app.blob', '--build-snapshot', 'app.bundle.cjs'])
  const { MCPTestServer } = createRequire(import.meta.url)('../../../dist/testing.js')
  const server = await MCPTestServer.listen()
  try {
    const env = { MCP_CLIENT_NATIVE_PATH: binaryIn(project), MCP_WS_URL: server.url }
    const { stdout } = await project.run(program, ['--snapshot-blob', 'app.blob'], { env })
    assert.equal(stdout.trim(), ANSWER)
  } finally {
    await server.close()
  }
  return `Node.js ${version}`
}

/** The binary is in the executable. */
async function compiledByBun(workspace) {
  const bun = await tool('bun')
  const project = await workspace.installed({
    'app.mjs': `${MAIN.import}\nmain().then((answer) => console.log(JSON.stringify(answer)))\n`,
  })
  const elsewhere = workspace.project()
  const executable = join(elsewhere.folder, process.platform === 'win32' ? 'app.exe' : 'app')
  await project.run(bun.program('bun'), ['build', '--compile', 'app.mjs', '--outfile', executable])
  // Bun has written the paths of these files into it.
  project.remove('node_modules')
  assert.equal((await elsewhere.run(executable, [])).stdout.trim(), ANSWER)
  return `Bun ${bun.versionOf('bun')}`
}

async function bundle(project, entry, outfile) {
  const { build } = createRequire(import.meta.url)('esbuild')
  const common = { absWorkingDir: project.folder, bundle: true, platform: 'node', logLevel: 'error' }
  await build({ ...common, entryPoints: [entry], outfile })
}

function binaryIn(project) {
  return join(project.folder, 'node_modules', `${NAME}-${platformName()}`, BINARY)
}
