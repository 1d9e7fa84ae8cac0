/** What can be completed, as a list: one place for the program itself, and one for each command. */
import type { Argument, Command, Option } from 'commander'

/** A place in a command line: behind the name of the program, or of a command. */
export interface Place {
  /** The names of the commands that lead here; none for the program itself. */
  readonly path: readonly string[]
  readonly commands: readonly Named[]
  readonly options: readonly Flag[]
  /** The values that the next argument may have, if they are known. */
  readonly values: readonly string[]
}

export interface Named {
  readonly name: string
  readonly description: string
}

export interface Flag {
  /** `--url`, and `-h` if there is a short form. */
  readonly names: readonly string[]
  readonly description: string
  /** What the word behind it is. */
  readonly takes: 'nothing' | 'text' | 'path'
  /** The values that it may have, if they are known. */
  readonly values: readonly string[]
  readonly mayRepeat: boolean
}

export function placesIn(program: Command): readonly Place[] {
  return placesUnder(program, [])
}

function placesUnder(command: Command, path: readonly string[]): Place[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const place = {
    path,
    commands: commands.map((one) => ({ name: one.name(), description: one.description() })),
    options: help.visibleOptions(command).map(flagOf),
    values: valuesOf(command.registeredArguments[0]),
  }
  const inner = commands.filter((one) => command.commands.includes(one))
  return [place, ...inner.flatMap((one) => placesUnder(one, [...path, one.name()]))]
}

function flagOf(option: Option): Flag {
  return {
    names: [option.long, option.short].filter((name) => name !== undefined),
    description: option.description,
    takes: takenBy(option),
    values: option.argChoices ?? [],
    mayRepeat: option.description.includes('may be repeated'),
  }
}

function takenBy({ flags, required, optional }: Option): Flag['takes'] {
  if (!required && !optional) return 'nothing'
  return /<(file|folder)>/.test(flags) ? 'path' : 'text'
}

function valuesOf(argument: Argument | undefined): readonly string[] {
  return argument?.argChoices ?? []
}
