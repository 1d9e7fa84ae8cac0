/** The command line of `mcp-client doctor`. */
import type { Command } from 'commander'
import { parseText } from '../option-parsers.js'
import { addJsonOption, addServer } from '../server-options.js'

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('Examine the way to a server step by step, and say what is wrong and what to try next.')
  addServer(command)
  addJsonOption(command, 'print all that was found as one JSON value')
  command
    .option('--read <file>', 'explain a flight record in words (client.dump(), or what SIGUSR2 has written)', parseText)
    .option('--replay <file>', 'say whether the rules decide the same again as in a flight record', parseText)
    .option('--tool <name>', 'call this tool as the last step', parseText)
    .option('--parameters <parameters...>', 'its parameters, as those of call')
    .addHelpText('after', '\nExample:\n  $ npx --no mcp-client doctor wss://example.com/mcp-ws\n')
    .action(async (server, options) => (await import('../doctor/doctor.js')).doctor(server, options))
}
