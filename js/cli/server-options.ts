/** The options of all commands that connect to a server, and the client options that they mean. */
import type { Command } from 'commander'
import type { MCPClientOptions } from '../index.js'
import { DEFAULT_URL } from './defaults.js'
import { UsageError } from './failures.js'
import { parseMilliseconds, parseTexts } from './option-parsers.js'

export interface ServerOptions {
  readonly url?: readonly string[]
  readonly apiKey?: string
  readonly timeout?: number
}

/** For commands whose first argument is the server. Their action gets it first; `clientOptions` takes it. */
export function addServer(command: Command): Command {
  return addServerOptions(command.argument('[url]', `server (default: $MCP_WS_URL, else ${DEFAULT_URL})`))
}

/** For commands whose arguments are something else. */
export function addServerOptions(command: Command): Command {
  return command
    .option(
      '--url <url>',
      `server; may be repeated, for the endpoints of one platform (default: $MCP_WS_URL, else ${DEFAULT_URL})`,
      parseTexts,
    )
    .option(
      '--api-key <key>',
      "API key (default: $MCP_API_KEY, which other users of this machine cannot see, else 'anonymous')",
    )
    .option(
      '--timeout <ms>',
      'ms to wait for the connection (default: 10000), and again for the answer (default: 30000; 0 for no limit)',
      parseMilliseconds,
    )
}

/** With it, standard output holds JSON and nothing else. */
export function addJsonOption(command: Command, description: string): Command {
  return command.option('--json', description)
}

/**
 * @param argument - the server as the command's argument, if the command has one
 * @throws UsageError if the server is given twice
 */
export function clientOptions({ url, apiKey, timeout }: ServerOptions, argument?: string): MCPClientOptions {
  return {
    url: endpointsOf(url, argument),
    ...(apiKey !== undefined && { apiKey }),
    ...(timeout !== undefined && { requestTimeout: timeout }),
    ...(timeout && { connectTimeout: timeout, authTimeout: timeout }),
  }
}

function endpointsOf(options: readonly string[] | undefined, argument: string | undefined): string | readonly string[] {
  if (argument !== undefined && options !== undefined)
    throw new UsageError(
      `the server is given twice, as ${argument.replace(/[?#].*/, '')} and by --url: give it once, or repeat --url`,
    )
  const [only, ...others] = options ?? [argument ?? (process.env.MCP_WS_URL || DEFAULT_URL)]
  return others.length === 0 ? only! : [only!, ...others]
}
