/** The script for fish. */
import type { Flag, Place } from './places.js'

export function fish(program: string, places: readonly Place[]): string {
  return [`# Completes ${program} in fish.`, ...places.flatMap((place) => linesOf(program, place)), ''].join('\n')
}

function linesOf(program: string, { path, commands, options, values }: Place): string[] {
  const names = commands.map(({ name }) => name)
  const start = `complete -c ${program} -n ${quoted(conditionFor(path, names))}`
  return [
    ...commands.map(({ name, description }) => `${start} -f -a ${quoted(name)} -d ${quoted(description)}`),
    ...values.map((value) => `${start} -f -a ${quoted(value)}`),
    ...options.map((flag) => `${start} ${inFish(flag)}`),
  ]
}

/** Holds behind the commands of `path`, and before any of `next`. */
function conditionFor(path: readonly string[], next: readonly string[]): string {
  const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`)
  const notSeen = next.length === 0 ? [] : [`not __fish_seen_subcommand_from ${next.join(' ')}`]
  return [...seen, ...notSeen].join('; and ') || 'true'
}

function inFish({ names, description, takes, values }: Flag): string {
  const forms = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  const value = takes === 'path' ? ['-r', '-F'] : takes === 'text' ? ['-x'] : ['-f']
  const known = values.length === 0 ? [] : [`-a ${quoted(values.join(' '))}`]
  return [...forms, ...value, ...known, `-d ${quoted(description)}`].join(' ')
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
