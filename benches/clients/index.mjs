/**
 * The clients that are compared. Each has here
 * - `title`, its name in the report;
 * - `packages` that must be installed, or the `program` that runs it;
 * - `modules` that a user's program requires, for measuring how long they take to load;
 *
 * and a module beside this one with
 * - `load()`, which loads them;
 * - `connect(url, { heartbeat, backoff, onReady, onLost })`, which resolves with `{ call(parameters), close() }` when
 *   tools can be used. With `heartbeat` (ms) the client sends heartbeats; with `backoff` it reconnects.
 *
 * That module is imported only by the process that measures it.
 */
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { ROOT } from '../../scripts/lib/root.mjs'

/** The client that the others are compared with: the denominator of all ratios. */
export const REFERENCE = 'ws'
/** This client. */
export const OURS = 'ours'

export const CLIENTS = {
  ours: { title: 'this client', packages: [], modules: ['@mcp-integration/client'] },
  // Not a rival: it shows what compression gains.
  'ours-plain': {
    title: 'this client, `compression: false`',
    packages: [],
    modules: ['@mcp-integration/client'],
    isYardstick: true,
  },
  ws: { title: '`ws`, plain user code', packages: ['ws'], modules: ['ws'] },
  'ws-tuned': { title: '`ws`, tuned by hand', packages: ['ws'], modules: ['ws'] },
  undici: { title: 'undici (Node.js’ own WebSocket)', packages: ['undici'], modules: ['undici'] },
  'mcp-sdk': {
    title: 'MCP SDK over `ws`',
    packages: ['@modelcontextprotocol/sdk', 'ws'],
    modules: ['ws', '@modelcontextprotocol/sdk/client/index.js', '@modelcontextprotocol/sdk/client/websocket.js'],
  },
  bun: { title: 'Bun’s WebSocket', packages: [], program: 'bun' },
  'no-network': { title: 'no network: JSON and promises alone', packages: [], isYardstick: true },
}

/**
 * The program, and its arguments, that run a client's process. It gets no V8 flags: with any, V8 rejects the code cache
 * of Node.js's own modules.
 */
export function runtimeOf(name) {
  const { program } = CLIENTS[name]
  return [program === undefined ? process.execPath : find(program)]
}

/** Why a client cannot be measured, or `null` if it can. */
export function missing(name) {
  const { packages, program } = CLIENTS[name]
  const absent = packages.find((name) => !isInstalled(name))
  if (absent !== undefined) return `the package ${absent} is not installed`
  return program !== undefined && find(program) === undefined
    ? `${program} is neither in PATH nor in node_modules`
    : null
}

/** The version of an installed package. */
export function versionOf(name) {
  return require(join(folderOf(name), 'package.json')).version
}

export function find(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(ROOT, 'node_modules', '.bin')]
  return folders.map((folder) => join(folder, program)).find(isExecutable)
}

function isInstalled(name) {
  return folderOf(name) !== undefined
}

function folderOf(name) {
  const folders = require.resolve.paths(name).map((folder) => join(folder, name))
  return folders.find((folder) => isReadable(join(folder, 'package.json')))
}

function isExecutable(path) {
  return isReadable(path, constants.X_OK)
}

function isReadable(path, mode = constants.R_OK) {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

const require = createRequire(import.meta.url)
