/**
 * What observes all clients of the process, besides their own listeners: subscribers of channels, and the log that the
 * environment asks for.
 */
import { environment } from '../native/environment.js'
import type { NativeClient } from '../shared/client/binding.js'
import type { Observers } from '../shared/client/runtime.js'
import type { AskForPage } from '../shared/internals.js'
import { withoutThrown } from '../shared/thrown.js'
import type { ConnectionSnapshot } from '../shared/types.js'
import { beginDial, endDial, hearsDials, publish, traceCall, tracesCalls } from './channels.js'

type LogOutput = typeof import('./log-output.js')

export const observers: Observers = {
  tracesCalls,
  traceCall,
  observeState: ({ id }, snapshot, previous) =>
    publish('mcp-client:state', () => ({ client: id, snapshot: forOthers(snapshot), previous })),
  observeLog({ id }, entry) {
    write?.(entry)
    publish('mcp-client:log', () => ({ client: id, entry }))
  },
  hearsDials,
  observeDial(client, notice, tell) {
    if (notice.type === 'dialing') return beginDial(client, notice.connection, notice.url)
    endDial(client, notice.dial, (error) => client.errors.reason(error))
    tell(notice.dial, (path, limit) => askForPage(client.native, path, limit))
  },
}

async function askForPage(native: NativeClient, path: string, limit: number): ReturnType<AskForPage> {
  return JSON.parse(await new Promise<string>((resolve) => native.page!(path, limit, resolve)))
}

/** Without what a function of the user's has thrown. */
function forOthers(snapshot: ConnectionSnapshot): ConnectionSnapshot {
  const error = withoutThrown(snapshot.error) as ConnectionSnapshot['error']
  return error === snapshot.error ? snapshot : Object.freeze({ ...snapshot, error })
}

const write = outputOfEnvironment()

function outputOfEnvironment(): ReturnType<LogOutput['logOutput']> | undefined {
  const level = environment('MCP_CLIENT_LOG')
  if (level === undefined && !isNamedIn(environment('NODE_DEBUG'))) return undefined
  const { logOutput } = require('./log-output.js') as LogOutput
  return logOutput({ level, format: environment('MCP_CLIENT_LOG_FORMAT') })
}

/** As Node.js reads `NODE_DEBUG`: names in any case with commas between, `*` for anything. Bun does not offer it. */
function isNamedIn(list: string | undefined): boolean {
  if (list === undefined) return false
  const names = list
    .replace(/[|\\{}()[\]^$+?.]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll(',', '$|^')
  return new RegExp(`^${names}$`, 'i').test('mcp-client')
}
