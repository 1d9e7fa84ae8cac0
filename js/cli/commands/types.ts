/** The command line of `mcp-client types`. */
import type { Command } from 'commander'
import { addServer } from '../server-options.js'
import { addToolsOption } from '../tools-option.js'

export function addTypesCommand(program: Command): void {
  const command = addServer(
    program.command('types').description("Print the platform's tools as types, so that TypeScript checks useTool()."),
  )
  addToolsOption(command)
  command
    .option(
      '--check [file]',
      'print nothing, and exit with 1 if the file (mcp-tools.d.ts by default) has other types than would be printed',
    )
    .addHelpText('after', '\nExample:\n  $ npx --no mcp-client types wss://example.com/mcp-ws > mcp-tools.d.ts\n')
    .action(async (url, options) => (await import('../types/types.js')).types(url, options))
}
