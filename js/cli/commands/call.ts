/** `mcp-client call`: one tool call, and its results on standard output. */
import type { Command } from 'commander'
import type { MCPClient, MCPClientOptions } from '../../index.js'
import { DEFAULT_URL } from '../defaults.js'
import { isLoopback } from '../loopback.js'
import { parseMilliseconds, parseText } from '../option-parsers.js'
import { parseParameters } from '../parameters.js'
import { render } from '../render.js'
import { UsageError } from '../usage-error.js'

interface CallOptions {
  readonly url?: string
  readonly apiKey?: string
  readonly timeout?: number
  readonly json?: true
}

export function addCallCommand(program: Command): void {
  program
    .command('call')
    .description('Call a tool and print its results.')
    .argument('<tool>', 'name of the tool', parseText)
    .argument('[parameters...]', 'one JSON value, or key=value pairs; a value that parses as JSON is sent as JSON')
    .option('--url <url>', `server (default: $MCP_WS_URL, else ${DEFAULT_URL})`)
    .option(
      '--api-key <key>',
      "API key (default: $MCP_API_KEY, which other users of this machine cannot see, else 'anonymous')",
    )
    .option(
      '--timeout <ms>',
      'ms to wait for the connection (default: 10000), and again for the answer (default: 30000; 0 for no limit)',
      parseMilliseconds,
    )
    .option('--json', 'print the results as the exact JSON received')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx --no mcp-client call web_search query="reconnect backoff" numResults=3\n',
    )
    .action(call)
}

async function call(tool: string, words: readonly string[], options: CallOptions): Promise<void> {
  const parameters = parseParameters(words)
  const client = await createClient(options)
  try {
    // First the connection, so that what is wrong with it is told; a call would only be told that there is none.
    await client.connect()
    process.stdout.write(`${await outputOf(client, tool, parameters, options)}\n`)
  } catch (error) {
    throw explain(error, tool, client, options.apiKey ?? process.env.MCP_API_KEY)
  } finally {
    await client.close()
  }
}

async function createClient({ url, apiKey, timeout }: CallOptions): Promise<MCPClient> {
  const { MCPClient } = await import('../../index.js')
  const options: MCPClientOptions = {
    url: url ?? (process.env.MCP_WS_URL || DEFAULT_URL),
    autoConnect: false,
    maxReconnectAttempts: 0,
    ...(apiKey !== undefined && { apiKey }),
    ...(timeout !== undefined && { requestTimeout: timeout }),
    ...(timeout && { connectTimeout: timeout, authTimeout: timeout }),
  }
  try {
    return new MCPClient(options)
  } catch (error) {
    // The client says so of options out of their range, and here all of them come from the command line.
    throw error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error
  }
}

async function outputOf(client: MCPClient, tool: string, parameters: unknown, { json }: CallOptions): Promise<string> {
  if (!json) return render(await client.useTool(tool, parameters))
  const bytes = await client.useTool(tool, parameters, { responseType: 'buffer' })
  // An answer without results: whoever asks for JSON must get some.
  return bytes?.toString() || 'null'
}

function explain(error: unknown, tool: string, client: MCPClient, apiKey: string | undefined): Error {
  const { code, message, toolCode } = error as { code?: string; message: string; toolCode?: string | null }
  const said = withoutSecret(message, apiKey)
  if (code === 'TOOL_ERROR') return new Error(`${naming(tool, said)}${toolCode ? ` (${toolCode})` : ''}`)
  if (code === 'CONNECT_FAILED')
    return new Error(
      isLoopback(new URL(client.url).hostname) ? `${said}; "npx --no mcp-client serve" starts a server` : said,
    )
  return new Error(code === undefined ? said : `${said} (${code})`)
}

/** Some tools say their name themselves. */
function naming(tool: string, message: string): string {
  return message.startsWith(`${tool}:`) ? message : `${tool} failed: ${message}`
}

/** A server may repeat the key in its refusal; this program does not. */
function withoutSecret(message: string, secret: string | undefined): string {
  return secret ? message.replaceAll(secret, '***') : message
}
