/** Connects for a command, and explains what fails. */
import type { MCPClient, MCPClientOptions, MCPError } from '../index.js'
import { ReportedFailure, UsageError } from './failures.js'
import { hintFor } from './hints.js'
import { showState } from './spinner.js'

/**
 * Connects, lets `use` do what the command is for, and closes. It does not reconnect unless `options` say so.
 * @throws UsageError for an option that cannot be used; else an Error with all that is known, without the key
 */
export async function withClient<T>(options: MCPClientOptions, use: (client: MCPClient) => Promise<T>): Promise<T> {
  const client = await createClient(options)
  try {
    // Connect first, because its error says what is wrong; that of a call would only say that it is not connected.
    await showState(client, client.connect())
    return await use(client)
  } catch (error) {
    if (error instanceof ReportedFailure) throw error
    throw await explain(error, client, options.apiKey ?? process.env.MCP_API_KEY)
  } finally {
    await client.close()
  }
}

/** A client that is not connected yet and does not reconnect. */
export async function createClient(options: MCPClientOptions): Promise<MCPClient> {
  const { MCPClient } = await import('../index.js')
  try {
    return new MCPClient({ autoConnect: false, maxReconnectAttempts: 0, ...options })
  } catch (error) {
    // All options come from the command line, so an error in one means wrong usage.
    throw error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error
  }
}

async function explain(error: unknown, client: MCPClient, apiKey: unknown): Promise<Error> {
  const { code, phase, proxy } = error as Partial<MCPError>
  const said = withoutSecret(wordsOf(error), apiKey)
  if (code === 'CONNECT_FAILED') {
    // Probing without the proxy would say nothing of the way through it.
    const isProxied = phase === 'proxy' || proxy !== undefined
    const hint = isProxied ? undefined : await hintFor(said, new URL(client.url))
    return new Error(hint === undefined ? said : `${said}; ${hint}`)
  }
  return new Error(code === undefined ? said : `${said} (${code})`)
}

/** The message and those of its causes, if they say more. */
export function wordsOf(error: unknown): string {
  const words: string[] = []
  for (let cause = error; cause !== undefined && words.length < MOST_CAUSES; cause = (cause as Error).cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    if (!words.some((before) => before.includes(said))) words.push(said)
    if (!(cause instanceof Error)) break
  }
  return words.join(': ')
}

/** A server may repeat the key in its error; it is not printed. */
function withoutSecret(message: string, secret: unknown): string {
  return typeof secret === 'string' && secret !== '' ? message.replaceAll(secret, '***') : message
}

/** A limit, because a chain of causes may be circular. */
const MOST_CAUSES = 5
