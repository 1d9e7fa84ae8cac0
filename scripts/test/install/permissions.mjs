/** The permission models of Node.js and Deno: what is allowed works, what is denied is refused in words. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { NAME, nodeOf, tool } from '../../lib/install/workspace.mjs'

export const PERMISSION_MODELS = [
  ...[20, 22, 24, 26].map((major) => ({
    name: `Node.js ${major} with \`${flagOf(major)}\``,
    run: (workspace) => inNode(workspace, major),
  })),
  { name: 'Deno with single permissions', run: inDeno },
].map((row) => ({ group: 'Runtimes', ...row }))

const APP = {
  'app.mjs': `import { MCPClient } from '${NAME}'
try {
  const client = new MCPClient(process.argv[2])
  const { hello } = await client.useTool('echo', { hello: 'world' })
  await client.close()
  console.log('hello ' + hello)
} catch (error) {
  console.log(error.message)
}`,
}

/** Node.js 20 calls it experimental. */
function flagOf(major) {
  return major === 20 ? '--experimental-permission' : '--permission'
}

async function inNode(workspace, major) {
  const { program, version } = await nodeOf(major)
  const project = await workspace.installed(APP)
  // Since Node.js 25 the network is a permission too.
  const net = major > 24 ? ['--allow-net'] : []
  const read = `--allow-fs-read=${project.folder}/`
  const cases = [
    [[read, '--allow-addons', ...net], /^hello world$/],
    [[read, ...net], /start node with --allow-addons/],
  ]
  if (net.length > 0) cases.push([[read, '--allow-addons'], /denies it the network: start node with --allow-net/])
  // Node.js 20 lets native code be loaded from where nothing may be read.
  if (major > 20) {
    const some = ['app.mjs', 'package.json', `node_modules/${NAME}/`].map(
      (path) => `--allow-fs-read=${project.folder}/${path}`,
    )
    cases.push([[...some, '--allow-addons', ...net], /start node with --allow-fs-read.*@mcp-integration/])
  }
  await check(project, program, [flagOf(major), '--no-warnings'], cases)
  return `Node.js ${version}`
}

async function inDeno(workspace) {
  const deno = await tool('deno')
  const project = await workspace.installed(APP)
  const cases = [
    [['--allow-ffi', '--allow-net'], /^hello world$/],
    [['--allow-ffi', '--allow-net=HOST', '--allow-env', '--allow-read'], /^hello world$/],
    [['--allow-ffi', '--allow-net=example.com:443'], /Deno denies it the network: start deno with --allow-net=127/],
    [['--allow-ffi'], /Deno denies it the network: start deno with --allow-net=127/],
    [['--allow-net'], /start deno with --allow-ffi/],
  ]
  await check(project, deno.program('deno'), ['run', '--quiet', '--no-prompt'], cases)
  return `Deno ${deno.versionOf('deno')}`
}

async function check(project, program, flags, cases) {
  const { MCPTestServer } = createRequire(import.meta.url)('../../../dist/testing.js')
  const server = await MCPTestServer.listen()
  try {
    for (const [permissions, expected] of cases) {
      const given = permissions.map((flag) => flag.replace('HOST', `127.0.0.1:${server.port}`))
      const { stdout } = await project.run(program, [...flags, ...given, 'app.mjs', server.url])
      assert.match(stdout.trim(), expected, given.join(' '))
    }
  } finally {
    await server.close()
  }
}
