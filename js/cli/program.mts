/**
 * `mcp-client`: reads the command line, runs one command and reports an error in one line. Here and in commands/ is
 * only what the help shows. What a command does is loaded when it runs.
 */
import { Command, CommanderError } from 'commander'
import { addCallCommand } from './commands/call.js'
import { addCompletionCommand } from './commands/completion.js'
import { addDoctorCommand } from './commands/doctor.js'
import { addMcpCommand } from './commands/mcp.js'
import { addMonitorCommand } from './commands/monitor.js'
import { addServeCommand } from './commands/serve.js'
import { addToolsCommand } from './commands/tools.js'
import { addTypesCommand } from './commands/types.js'
import { addWatchCommand } from './commands/watch.js'
import { ReportedFailure, UsageError } from './failures.js'
import { oneLine } from './text.js'

async function main(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf(error)
    if (error instanceof ReportedFailure) return FAILED
    process.stderr.write(`mcp-client: ${oneLine(error instanceof Error ? error.message : String(error))}\n`)
    return error instanceof UsageError ? BAD_USAGE : FAILED
  }
}

function createProgram(): Command {
  const program = new Command('mcp-client')
    .description('Start a server of the MCP Integration Platform, call its tools, and see what is wrong.')
    .version(PACKAGE_VERSION)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`mcp-client: ${oneLine(text.replace(/^error: /, ''))}\n`),
    })
    .addHelpText('after', EXAMPLES)
  for (const add of COMMANDS) add(program)
  return program
}

/**
 * Commander has printed its message already. Help and version are not failures, unless help is shown because the
 * command is missing.
 */
function exitCodeOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : BAD_USAGE
}

/**
 * Output that cannot be written: a full disk is an error of one line; the reader of `mcp-client call … | head` may stop
 * early.
 */
function endWithoutOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return
  process.stderr.write(`mcp-client: the output cannot be written: ${oneLine(error.message)}\n`, () =>
    process.exit(FAILED),
  )
}

/** In the order of the help. */
const COMMANDS = [
  addServeCommand,
  addCallCommand,
  addWatchCommand,
  addDoctorCommand,
  addMonitorCommand,
  addToolsCommand,
  addTypesCommand,
  addMcpCommand,
  addCompletionCommand,
]

const FAILED = 1
const BAD_USAGE = 2

const EXAMPLES = `
Examples:
  $ npx --no mcp-client serve
  $ npx --no mcp-client call web_search query="reconnect backoff" numResults:=3

Exit codes:
  0  it did what was asked
  1  it could not
  2  the command line is wrong
`

process.stdout.on('error', endWithoutOutput)
// If standard error cannot be written, nothing can be reported.
process.stderr.on('error', () => {})

void main(process.argv.slice(2)).then((code) => {
  // Not process.exit(), because output to a pipe may not have been written yet.
  process.exitCode = code
})
