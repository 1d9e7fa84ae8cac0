/** Runs the documents' blocks of code, as a reader would. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { runCli, serve } from './cli.mjs'
import { folderOf } from './documents.mjs'
import { ROOT } from './root.mjs'
import { NO_SIGNALS } from './signals.mjs'

/** The server that `mcp-client serve` starts. In a block of JavaScript the test's own server takes its place. */
export const LOCAL_SERVER = 'ws://127.0.0.1:8080/mcp-ws'

/** The documents' placeholders for a server and for a folder of documents. */
const ANY_SERVER = 'wss://example.com/mcp-ws'
/** That of a server that speaks JSON-RPC. In a block of JavaScript a server of the test takes its place. */
export const ANY_MCP_SERVER = 'wss://mcp.example.com/mcp'
const ANY_FOLDER = './docs'

/** ms; a snippet that takes longer is killed, and its test sees the signal. */
const FAR_TOO_LONG = 30_000

/** The folder of a reader who has installed the package. */
async function projectOf(t) {
  const folder = await folderOf(t, {})
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '@mcp-integration'), { recursive: true })
  await symlink(ROOT, join(modules, '@mcp-integration/client'), 'junction')
  for (const name of READERS_PACKAGES) await symlink(join(ROOT, 'node_modules', name), join(modules, name), 'junction')
  return folder
}

/** Other packages that a reader of some documents has installed. */
const READERS_PACKAGES = [
  '@modelcontextprotocol',
  '@opentelemetry',
  '@types',
  'electron',
  'happy-dom',
  'pino',
  'react',
  'react-dom',
  'reconnecting-websocket',
  'winston',
  'ws',
]

/**
 * Runs a block of JavaScript as a program: it must end by itself, print nothing on stderr, and print what its comments
 * say.
 */
export async function runJavaScript(t, block, server) {
  const folder = await projectOf(t)
  await runProgram(folder, `snippet.${block.language === 'cjs' ? 'cjs' : 'mjs'}`, textFor(block, server), block, server)
}

/** Runs a block of JavaScript as from a file in the clone, where the package finds itself by its own name. */
export async function runInClone(_t, block, server) {
  await runNode(['--input-type=module', '--eval', textFor(block, server)], ROOT, block, server)
}

/** Compiles a block of TypeScript with the strictest options, then runs it. */
export async function runTypeScript(t, block, server) {
  const folder = await projectOf(t)
  const text = textFor(block, server)
  await compile(folder, 'snippet.mts', text)
  const { code } = await transform(text, { loader: 'ts', target: 'node20', format: 'esm' })
  await runProgram(folder, 'snippet.mjs', code, block, server)
}

/**
 * Compiles a block for Electron's main process or a utility process, against Electron's declarations. It is not run.
 */
export async function compileForElectron(t, block) {
  await compile(await projectOf(t), 'snippet.cts', textFor(block), {
    lib: ['esnext', 'dom'],
    types: ['node', 'electron'],
    skipLibCheck: true,
  })
}

/** Compiles a block for a page, which has no types of Node.js. */
export async function compileForPage(t, block) {
  const options = {
    module: 'esnext',
    moduleResolution: 'bundler',
    customConditions: ['browser'],
    jsx: 'react-jsx',
    lib: ['esnext', 'dom'],
    types: [],
  }
  await compile(await projectOf(t), `snippet.${block.language}`, textFor(block), options)
}

/**
 * Renders the default export of a block in StrictMode until the page has shown each text that the block's comments
 * promise, in order. Then it calls `cleanUp`, if that is exported, and nothing may keep the program alive.
 * @param compile what is done to the code first
 */
export async function runJsx(t, block, server, compile = (code) => code) {
  const folder = await projectOf(t)
  const { code } = await transform(await compile(textFor(block, server)), {
    loader: 'jsx',
    jsx: 'automatic',
    target: 'node20',
    format: 'esm',
  })
  await writeFile(join(folder, 'snippet.mjs'), code)
  const show = `
    import { Window } from 'happy-dom'
    const window = new Window()
    Object.assign(globalThis, { window, document: window.document })
    globalThis.navigator ??= { userAgent: 'Node.js' }
    const { createElement, Profiler, StrictMode } = await import('react')
    const { createRoot } = await import('react-dom/client')
    const { default: Component, cleanUp } = await import('./snippet.mjs')
    const promises = ${JSON.stringify(promisesOf(block.code, '//'))}
    const container = document.createElement('div')
    const root = createRoot(container)
    await new Promise((resolve) => {
      const look = () => {
        while (promises.length > 0 && container.textContent.includes(promises[0])) console.log(promises.shift())
        if (promises.length === 0) resolve()
      }
      root.render(createElement(StrictMode, null, createElement(Profiler, { id: 'page', onRender: look }, createElement(Component))))
    })
    root.unmount()
    await cleanUp?.()
  `
  await runProgram(folder, 'show.mjs', show, block, server)
}

async function compile(folder, file, text, options = {}) {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['esnext'],
    types: ['node'],
    ...options,
  }
  await writeFile(join(folder, file), text)
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  await promisify(execFile)(process.execPath, [compiler, '--project', folder]).catch(({ stdout }) =>
    assert.fail(stdout),
  )
}

/** The block after empty lines, so that line numbers in errors are the document's. */
function textFor({ code, line }, server) {
  return '\n'.repeat(line - 1) + (server ? withServer(code, server) : code)
}

function withServer(code, { url, mcpUrl = ANY_MCP_SERVER }) {
  return code.replaceAll(ANY_SERVER, url).replaceAll(LOCAL_SERVER, url).replaceAll(ANY_MCP_SERVER, mcpUrl)
}

async function runProgram(folder, file, text, block, server) {
  await writeFile(join(folder, file), text)
  await runNode([file], folder, block, server)
}

/** Runs Node.js with these arguments, and compares what it prints with what the block says it prints. */
async function runNode(args, cwd, block, server) {
  const { MCP_API_KEY: _key, NODE_TEST_CONTEXT: _context, ...env } = process.env
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, MCP_WS_URL: server.url },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: FAR_TOO_LONG,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (output[name] += text))
  const [code, signal] = await once(child, 'close')
  assert.deepEqual({ code, signal, stderr: output.stderr }, { code: 0, signal: null, stderr: '' }, output.stdout)
  assertPrinted(output.stdout, promisesOf(block.code, '//'))
}

/** Runs or checks each command of a block for the shell. */
export async function runShell(t, block, server) {
  for (const { line, promises } of commandsOf(block.code)) {
    const [program, ...args] = await wordsOf(line.replace(SETTING, ''))
    const run = PROGRAMS[program]
    assert.ok(run, `the tests cannot run "${line}"`)
    const [, variable, value] = SETTING.exec(line) ?? []
    assertPrinted((await run(t, args, server, variable === undefined ? {} : { [variable]: value })) ?? '', promises)
  }
}

/** A variable before a command. */
const SETTING = /^(UPDATE_\w+|MCP_SIM_[A-Z]+|MCP_CLIENT_\w+)=(\w+) /

/**
 * The commands, with the output that the comments after them promise; a backslash at the end of a line continues it.
 */
function commandsOf(code) {
  const commands = []
  for (const line of code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim())) {
    if (line.startsWith('#')) commands.at(-1).promises.push(...promisesOf(line, '#'))
    else if (line !== '') commands.push({ line, promises: [] })
  }
  return commands
}

/** The words as the shell splits them. */
async function wordsOf(command) {
  const { stdout } = await promisify(execFile)('sh', ['-c', `printf '%s\\0' ${command}`])
  return stdout.split('\0').slice(0, -1)
}

const PROGRAMS = {
  npx: runNpx,
  npm: (_t, args) => checkNpm(args),
  node: (_t, [first, second]) => assertFile(first === '--test' ? second : first),
  cargo: (_t, args) => checkCargo(args),
}

async function runNpx(t, [flag, name, command, ...args], server, env) {
  // Without it npx would download another project's package of that name where this one is not installed.
  assert.equal(flag, '--no')
  assert.equal(name, 'mcp-client')
  const docs = await folderOf(t, { 'notes.md': '# Notes\n\nBackoff.' })
  const words = args.map((word) => (word === ANY_FOLDER ? docs : word.replaceAll(ANY_SERVER, server.url)))
  if (command === 'serve') return startServer(t, words)
  const { code, stdout, stderr } = await runCli([command, ...words], { MCP_WS_URL: server.url, ...env })
  const told = 'MCP_CLIENT_LOG' in env ? stderr : ''
  assert.deepEqual({ code, stderr }, { code: 0, stderr: told })
  return told + stdout
}

async function startServer(t, words) {
  const at = words.indexOf('--port')
  if (at !== -1) words.splice(at, 2)
  const { child, ended } = await serve(t, [...words, '--port', '0'])
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  assert.deepEqual({ code, stderr }, { code: NO_SIGNALS ? null : 0, stderr: '' })
  return stdout
}

function checkNpm([command, ...args]) {
  const { name, scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  if (command === 'ci') return assertFile('package-lock.json')
  if (command === 'install') return assert.deepEqual(args, [name])
  const script = command === 'run' ? args[0] : command
  assert.ok(command === 'run' || ['start', 'test'].includes(command), `npm ${command}`)
  assert.ok(script in scripts, `package.json has no script "${script}"`)
  const [program, ...files] = scripts[script].split(' ')
  if (program === 'node') for (const file of files) assertFile(file)
  else assertFile(`node_modules/.bin/${program}`)
}

/** Commands of cargo are not run; this checks that their files, and tests of that name, exist. */
async function checkCargo([command, ...args]) {
  assert.ok(['test', 'clippy', 'fmt', 'build', 'run'].includes(command), `cargo ${command}`)
  if (command === 'run') return assertFile(`examples/${args[args.indexOf('--example') + 1]}/main.rs`)
  const [filter] = args.filter((word) => !word.startsWith('-'))
  if (command !== 'test' || filter === undefined) return
  const { stdout } = await promisify(execFile)('grep', [
    '-rlE',
    `(mod|fn) \\w*${filter}`,
    join(ROOT, 'src'),
    join(ROOT, 'crates'),
  ]).catch((error) => error)
  assert.notEqual(stdout, '', `no test has "${filter}" in its name`)
}

function assertFile(path) {
  assert.ok(existsSync(join(ROOT, path)), `there is no ${path}`)
}

/** The texts after the arrows in comments. */
/** What the comments of a block say that it prints. */
export function promisesOf(code, comment) {
  return [...code.matchAll(new RegExp(`${comment} → (.*)$`, 'gm'))].map(([, text]) => text.trim())
}

/** Each promised line must be printed, in this order. */
function assertPrinted(stdout, promises) {
  const lines = stdout.split('\n')
  for (const promise of promises) {
    const at = lines.findIndex((line) => patternOf(promise).test(line))
    assert.notEqual(at, -1, `"${promise}" was not printed, but:\n${stdout}`)
    lines.splice(0, at + 1)
  }
}

/** What a line that was promised looks like; `…` stands for anything. */
export function patternOf(promise) {
  return new RegExp(`^${promise.split('…').map(literally).join('.*')}$`)
}

function literally(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
