/** The command line of `mcp-client serve`. */
import { Option, type Command } from 'commander'
import { DEFAULT_PORT } from '../defaults.js'
import { parsePort, parseText, parseTexts } from '../option-parsers.js'
import { addJsonOption } from '../server-options.js'

export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description('Start a server with the built-in tools web_search, status, echo, sleep and fail.')
    .option('--port <number>', 'TCP port; 0 picks a free one', parsePort, DEFAULT_PORT)
    .option('--host <address>', 'address to bind', parseText, '127.0.0.1')
    .option('--docs <folder>', "folder that web_search searches (default: this package's documents)", parseText)
    .option(
      '--tool-module <file>',
      'JavaScript module that exports more tools, as functions; its code is run',
      parseText,
    )
    .option('--token <token>', 'API key to accept; may be repeated (default: accept any key)', parseTexts)
    .addOption(new Option('--dialect <name>', 'wire dialect').choices(['guide', 'event']).default('guide'))
    .addOption(
      new Option('--schemas <form>', 'what clients of the event dialect are told of the tools')
        .choices(['nameless', 'named'])
        .default('nameless'),
    )
    .option('--compression', 'compress messages for clients that offer it', false)
    .option(
      '--allow-origin <origin>',
      'a web page that may connect, https://example.com; may be repeated (default: those of this machine)',
      parseTexts,
    )
    .option(
      '--allow-host <name>',
      'a name by which the server may be called; may be repeated (default: loopback and its own address)',
      parseTexts,
    )
    .option('--quiet', 'do not log connections and requests', false)
  addJsonOption(command, 'log as JSON, one value a line')
  command
    .addHelpText('after', '\nExample:\n  $ npx --no mcp-client serve --port 9000 --docs ./docs --token s3cret\n')
    .action(async (options) => (await import('../serve/serve.js')).serve(options))
}
