/** The command line of `mcp-client tools`. */
import type { Command } from 'commander'
import { addJsonOption, addServer } from '../server-options.js'
import { addToolsOption } from '../tools-option.js'

export function addToolsCommand(program: Command): void {
  const command = addServer(program.command('tools').description('List the tools of the platform.'))
  addToolsOption(command)
  addJsonOption(command, 'print them as JSON, in the form that --tools reads')
  command
    .addHelpText('after', '\nExample:\n  $ npx --no mcp-client tools wss://example.com/mcp-ws --json > tools.json\n')
    .action(async (url, options) => (await import('../tools/tools.js')).tools(url, options))
}
