/** The command line of `mcp-client call`. */
import type { Command } from 'commander'
import { parseCount, parseText } from '../option-parsers.js'
import { addJsonOption, addServerOptions } from '../server-options.js'

export function addCallCommand(program: Command): void {
  const command = program
    .command('call')
    .description('Call a tool and print its results.')
    .argument('<tool>', 'name of the tool', parseText)
    .argument(
      '[parameters...]',
      'key=text, key:=json, key=@file, key:=@file; or one JSON value; or - for standard input',
    )
  addServerOptions(command)
  addJsonOption(command, 'print the results as the JSON that came; control characters in it are escaped')
  command
    .option('--repeat <times>', 'make the call so many times; print how long the answers took', parseCount)
    .option('--concurrency <calls>', 'of those, how many at the same time (default: 1)', parseCount)
    .addHelpText(
      'after',
      '\nExample:\n  $ npx --no mcp-client call web_search query="reconnect backoff" numResults:=3\n',
    )
    .action(async (tool, words, options) => (await import('../call/call.js')).call(tool, words, options))
}
