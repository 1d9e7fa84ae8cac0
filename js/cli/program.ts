/**
 * `mcp-client`: reads the command line, runs one command and turns what went wrong into one line and an exit code:
 * 0 done, 1 failed, 2 used wrongly. Each command is a file in commands/ and loads what it needs when it runs, so that
 * `serve` needs no native code and `call` no server.
 */
import { Command, CommanderError } from 'commander'
import { addCallCommand } from './commands/call.js'
import { addServeCommand } from './commands/serve.js'
import { oneLine } from './text.js'
import { UsageError } from './usage-error.js'

async function main(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf(error)
    process.stderr.write(`mcp-client: ${oneLine(error instanceof Error ? error.message : String(error))}\n`)
    return error instanceof UsageError ? BAD_USAGE : FAILED
  }
}

function createProgram(): Command {
  const program = new Command('mcp-client')
    .description('Start a server of the MCP Integration Platform, or call a tool.')
    .version(PACKAGE_VERSION)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({
      outputError: (text, write) => write(`mcp-client: ${oneLine(text.replace(/^error: /, ''))}\n`),
    })
    .addHelpText('after', EXAMPLES)
  addServeCommand(program)
  addCallCommand(program)
  return program
}

/**
 * Commander has printed by now: help and version are no failure, unless the help is there because a command was
 * missing.
 */
function exitCodeOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : BAD_USAGE
}

const FAILED = 1
const BAD_USAGE = 2

const EXAMPLES = `
Examples:
  $ npx --no mcp-client serve
  $ npx --no mcp-client call web_search query="reconnect backoff" numResults=3
`

// `mcp-client call … | head`: whoever reads the output may stop when he has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

void main(process.argv.slice(2)).then((code) => {
  // Not process.exit(): what is written to a pipe may still be on its way.
  process.exitCode = code
})
