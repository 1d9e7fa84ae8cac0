/** The command line of `mcp-client watch`. */
import type { Command } from 'commander'
import { parseCount } from '../option-parsers.js'
import { addServer } from '../server-options.js'

export function addWatchCommand(program: Command): void {
  const command = program
    .command('watch')
    .description('Print what the server pushes, as JSON, one message a line, until it is stopped.')
  addServer(command)
  command
    .option('--all', 'print all messages: answers to the key and to pings too')
    .option('--count <messages>', 'stop after so many (default: no limit)', parseCount)
    .addHelpText('after', '\nExample:\n  $ npx --no mcp-client watch wss://example.com/mcp-ws | jq .data\n')
    .action(async (server, options) => (await import('../watch/watch.js')).watch(server, options))
}
