/**
 * `mcp-client mcp`: an MCP server on standard input and output, over one client of the platform, until its input ends.
 * It serves the stateless revision of 2026-07-28 and those that begin with `initialize`.
 */
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type CatalogueOptions, readFileCatalogue } from '../catalogue/find.js'
import { clientOptions } from '../server-options.js'
import { Filter, type FilterOptions } from './filter.js'
import { Log } from './log.js'
import { Platform } from './platform.js'
import { Results } from './results.js'
import { createServer } from './server.js'
import { takeStandardOutput } from './stdout.js'
import { Toolbox } from './toolbox.js'
import { StdioTransport } from './transport.js'

export interface McpOptions extends CatalogueOptions, FilterOptions {
  readonly maxResult?: number
}

export async function mcp(url: string | undefined, options: McpOptions): Promise<void> {
  if (process.stdin.isTTY) process.stderr.write(FOR_A_HOST)
  const output = takeStandardOutput()
  const log = new Log()
  surviveMistakes(log)
  const platform = await Platform.create(clientOptions(options, url), log)
  const file = options.tools === undefined ? undefined : await readFileCatalogue(options.tools)
  const toolbox = new Toolbox(platform, file, new Filter(options), log)
  const parts = { platform, toolbox, results: new Results(options.maxResult ?? LONGEST_RESULT), log }
  const transport = new StdioTransport(process.stdin, output, log)
  const handle = serveStdio(() => createServer(parts), {
    transport,
    onerror: (error) => log.write('info', error.message),
  })
  await Promise.race([transport.ended, toldToStop()])
  await handle.close()
  await platform.close()
}

/** A mistake in one call must not end the others. */
function surviveMistakes(log: Log): void {
  process.on('uncaughtException', (error) => log.write('error', `a mistake of mcp-client itself: ${error.stack}`))
}

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

const FOR_A_HOST = 'mcp-client: this is for MCP hosts, which speak JSON-RPC with it; Ctrl+D ends it\n'

/** In characters: about what hosts let a model read of one result. */
const LONGEST_RESULT = 100_000
