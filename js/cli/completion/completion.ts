/** `mcp-client completion`: the script that completes its command lines, made from the definition of the program. */
import type { Command } from 'commander'
import { bash } from './bash.js'
import { fish } from './fish.js'
import { placesIn } from './places.js'
import { zsh } from './zsh.js'

export function completion(shell: keyof typeof SCRIPTS, program: Command): void {
  process.stdout.write(SCRIPTS[shell](program.name(), placesIn(program)))
}

const SCRIPTS = { bash, zsh, fish }
