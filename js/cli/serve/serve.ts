/** `mcp-client serve`: runs a server on this machine until it is stopped. */
import type { MCPTestServer, ServerDialect } from '../../testing.js'
import { isLoopback } from '../../shared/loopback.js'
import { DEFAULT_URL } from '../defaults.js'
import { toldToStop } from '../signals.js'
import { oneLine } from '../text.js'
import { logRequests, writeJson } from './log.js'
import { toolsIn } from './tool-module.js'
import { UsageError } from '../failures.js'

export interface ServeOptions {
  readonly port: number
  readonly host: string
  readonly docs?: string
  readonly token?: readonly string[]
  readonly dialect: ServerDialect
  readonly schemas: 'nameless' | 'named'
  readonly compression: boolean
  readonly allowOrigin?: readonly string[]
  readonly allowHost?: readonly string[]
  readonly toolModule?: string
  readonly quiet: boolean
  readonly json?: true
}

export async function serve(options: ServeOptions): Promise<void> {
  const { host, token, dialect, json, quiet } = options
  if (dialect === 'event' && token)
    throw new UsageError('--token is for the guide dialect: the event dialect has no authentication')
  const server = await listen(options)
  // Before the output tells anyone that there is something to stop.
  const { told } = toldToStop()
  if (json) writeJson({ event: 'listening', url: server.url })
  else process.stdout.write(`Listening on ${server.url}\n${hint(server, token !== undefined)}`)
  if (!token && !isLoopback(host))
    process.stderr.write('Anyone who can reach this machine can use this server: require a key with --token\n')
  reportRefusals(server)
  if (!quiet) logRequests(server, json === true)
  await told
  if (json) writeJson({ event: 'stopping' })
  else process.stdout.write('Stopping\n')
  await server.close()
}

async function listen(given: ServeOptions): Promise<MCPTestServer> {
  const { MCPTestServer } = await import('../../testing.js')
  const { token: tokens, allowOrigin: allowedOrigins, allowHost: allowedHosts, toolModule } = given
  const { port, host, docs, dialect, schemas, compression } = given
  const tools = toolModule === undefined ? undefined : await toolsIn(toolModule)
  const served = { port, host, docs, dialect, schemas, compression, tools }
  const options = { ...served, tokens, history: 0, allowedOrigins, allowedHosts }
  return await MCPTestServer.listen(options).catch((error: unknown) => {
    throw explain(error, given.port, given.host)
  })
}

/** Prints each reason once, because a page may try again and again. */
function reportRefusals(server: MCPTestServer): void {
  const reported = new Set<string>()
  server.on('refused', (reason) => {
    if (reported.has(reason) || reported.size > MOST_REFUSALS) return
    reported.add(reason)
    const isLast = reported.size > MOST_REFUSALS
    process.stderr.write(isLast ? 'Others are refused too and not shown\n' : `Refused: ${oneLine(reason)}\n`)
  })
}

function hint(server: MCPTestServer, needsToken: boolean): string {
  const url = server.url === DEFAULT_URL ? '' : ` --url ${server.url}`
  const key = needsToken ? ' --api-key <token>' : ''
  return `Try it:  npx --no mcp-client call web_search query="reconnect"${url}${key}\n`
}

function explain(error: unknown, port: number, host: string): unknown {
  if (error instanceof TypeError || error instanceof RangeError) return new UsageError(inFlags(error.message))
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new Error(`port ${port} on ${host} is in use: choose another with --port, or 0 for any free one`)
    case 'EACCES':
      return new Error(
        `port ${port} on ${host} needs more rights than this user has: choose one above 1023 with --port`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`${host} is not an address of this machine: choose another with --host`)
    default:
      return error
  }
}

/** Replaces the names of the server's options with those of the command line. */
function inFlags(message: string): string {
  return message.replace(/option "(\w+)"/, (said, name: string) => FLAGS[name] ?? said)
}

const FLAGS: Readonly<Record<string, string>> = {
  docs: '--docs',
  allowedOrigins: '--allow-origin',
  allowedHosts: '--allow-host',
}

const MOST_REFUSALS = 100
