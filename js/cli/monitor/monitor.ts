/** `mcp-client monitor`: a client's life on the whole screen, or as JSON, one moment a line. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { MCPClient, MCPError } from '../../index.js'
import { PARAMETERS_ARE_JSON } from '../../shared/arguments.js'
import { readParameters } from '../call/parameters.js'
import { createClient } from '../connection.js'
import { UsageError } from '../failures.js'
import { clientOptions, type ServerOptions } from '../server-options.js'
import { toldToStop } from '../signals.js'
import { printableJson } from '../text.js'
import { History } from './history.js'

export interface MonitorOptions extends ServerOptions {
  readonly tool?: string
  readonly parameters?: readonly string[]
  readonly every: number
  readonly json?: true
}

export async function monitor(server: string | undefined, options: MonitorOptions): Promise<void> {
  const { json, tool, parameters, every } = options
  if (parameters !== undefined && tool === undefined)
    throw new UsageError('--parameters are those of a tool: name it with --tool')
  if (!json && !(process.stdout.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb'))
    throw new UsageError('monitor needs a terminal: use --json for other programs')
  const call = tool === undefined ? undefined : { name: tool, parameters: await readParameters(parameters ?? []) }
  const heartbeat = { heartbeatInterval: every, maxReconnectAttempts: Infinity }
  const client = await createClient({ ...clientOptions(options, server), ...heartbeat })
  const history = new History(client)
  const over = new AbortController()
  client.connect().catch(() => {})
  if (call !== undefined) void callRegularly(client, history, { ...call, every }, over.signal)
  try {
    if (json) await print(history, every, over)
    else await (await import('./screen.js')).showScreen(client, history, every)
  } finally {
    over.abort()
    await client.close()
  }
}

/** Until Ctrl-C, or nobody reads it any more. */
async function print(history: History, every: number, over: AbortController): Promise<void> {
  const { told, end } = toldToStop()
  process.stdout.once('error', () => over.abort())
  void told.then(() => over.abort())
  while (!over.signal.aborted) {
    await sleep(every, undefined, { signal: over.signal }).catch(() => {})
    if (over.signal.aborted) break
    const { happenings: _, ...moment } = history.moment()
    const line = JSON.stringify({
      time: new Date().toISOString(),
      ...moment,
      errors: Object.fromEntries(moment.errors),
    })
    process.stdout.write(`${printableJson(line)}\n`)
  }
  end()
}

/** One call at a time, while the client is ready. */
async function callRegularly(
  client: MCPClient,
  history: History,
  { name, parameters, every }: { name: string; parameters: string; every: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (client.state === 'ready') {
      const called = client.useTool(name, parameters, { responseType: 'buffer', [PARAMETERS_ARE_JSON]: true } as object)
      await called.catch((error: MCPError) => history.fail(error))
    }
    await sleep(every, undefined, { signal }).catch(() => {})
  }
}
