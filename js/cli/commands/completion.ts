/** The command line of `mcp-client completion`. */
import { Argument, type Command } from 'commander'

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('Print a script that completes command lines of mcp-client in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nExample:\n  $ npx --no mcp-client completion bash > ~/.local/share/bash-completion/completions/mcp-client\n',
    )
    .action(async (shell) => (await import('../completion/completion.js')).completion(shell, program))
}
