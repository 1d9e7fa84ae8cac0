/** The command line of `mcp-client monitor`. */
import type { Command } from 'commander'
import { parseInterval, parseText } from '../option-parsers.js'
import { addJsonOption, addServer } from '../server-options.js'

export function addMonitorCommand(program: Command): void {
  const command = program
    .command('monitor')
    .description('Show the life of a connection on the whole screen: state, round trips, calls, errors.')
  addServer(command)
  addJsonOption(command, 'print what there is to show as JSON, one value a line')
  command
    .option('--every <ms>', 'ms between two pings, calls and lines of --json', parseInterval, 1_000)
    .option('--tool <name>', 'call this tool again and again', parseText)
    .option('--parameters <parameters...>', 'its parameters, as those of call')
    .addHelpText('after', '\nExample:\n  $ npx --no mcp-client monitor wss://example.com/mcp-ws --tool status\n')
    .action(async (server, options) => (await import('../monitor/monitor.js')).monitor(server, options))
}
