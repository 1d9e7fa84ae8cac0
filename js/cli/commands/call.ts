/** `mcp-client call`: one tool call, and its results on standard output. */
import type { Command } from 'commander'
import type { MCPClient, MCPClientOptions, MCPError } from '../../index.js'
import { PARAMETERS_ARE_JSON } from '../../shared/arguments.js'
import { DEFAULT_URL } from '../defaults.js'
import { hintFor } from '../hints.js'
import { parseMilliseconds, parseText } from '../option-parsers.js'
import { readParameters } from '../parameters.js'
import { render } from '../render.js'
import { printableJson } from '../text.js'
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
    .argument(
      '[parameters...]',
      'key=text, key:=json, key=@file, key:=@file; or one JSON value; or - for standard input',
    )
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
    .option('--json', 'print the results as the JSON that came; control characters in it are escaped')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx --no mcp-client call web_search query="reconnect backoff" numResults:=3\n',
    )
    .action(call)
}

async function call(tool: string, words: readonly string[], options: CallOptions): Promise<void> {
  const parameters = await readParameters(words)
  const client = await createClient(options)
  try {
    // Connect first, because its error says what is wrong; that of a call would only say that it is not connected.
    await client.connect()
    const results = await resultsOf(client, tool, parameters)
    process.stdout.write(`${options.json ? printableJson(results || 'null') : render(results)}\n`)
  } catch (error) {
    throw await explain(error, tool, client, options.apiKey ?? process.env.MCP_API_KEY)
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
    // All options come from the command line, so an error in one means wrong usage.
    throw error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error
  }
}

/** JSON in, JSON out, so that no digit of a number is lost. Empty if the answer has no results. */
async function resultsOf(client: MCPClient, tool: string, parameters: string): Promise<string> {
  const options = { responseType: 'buffer' as const, [PARAMETERS_ARE_JSON]: true }
  const bytes = (await client.useTool(tool, parameters, options)) as Buffer | undefined
  return bytes?.toString() ?? ''
}

async function explain(error: unknown, tool: string, client: MCPClient, apiKey: string | undefined): Promise<Error> {
  const { code, toolCode, phase, proxy } = error as Partial<MCPError> & { toolCode?: string | null }
  const said = withoutSecret(wordsOf(error), apiKey)
  if (code === 'TOOL_ERROR') return new Error(`${naming(tool, said)}${toolCode ? ` (${toolCode})` : ''}`)
  if (code === 'CONNECT_FAILED') {
    // Probing without the proxy would say nothing of the way through it.
    const isProxied = phase === 'proxy' || proxy !== undefined
    const hint = isProxied ? undefined : await hintFor(said, new URL(client.url))
    return new Error(hint === undefined ? said : `${said}; ${hint}`)
  }
  return new Error(code === undefined ? said : `${said} (${code})`)
}

/** The message and those of its causes, if they say more. */
function wordsOf(error: unknown): string {
  const words: string[] = []
  for (let cause = error; cause !== undefined && words.length < MOST_CAUSES; cause = (cause as Error).cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    if (!words.some((before) => before.includes(said))) words.push(said)
    if (!(cause instanceof Error)) break
  }
  return words.join(': ')
}

/** Some tools begin their messages with their name. */
function naming(tool: string, message: string): string {
  return message.startsWith(`${tool}:`) ? message : `${tool} failed: ${message}`
}

/** A server may repeat the key in its error; it is not printed. */
function withoutSecret(message: string, secret: string | undefined): string {
  return secret ? message.replaceAll(secret, '***') : message
}

/** A limit, because a chain of causes may be circular. */
const MOST_CAUSES = 5
