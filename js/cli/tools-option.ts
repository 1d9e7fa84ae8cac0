/** The option of the commands that need to know the platform's tools. */
import type { Command } from 'commander'
import { parseText } from './option-parsers.js'

export function addToolsOption(command: Command): Command {
  return command.option(
    '--tools <file>',
    'description of the tools, as JSON (default: what the platform says of them)',
    parseText,
  )
}
