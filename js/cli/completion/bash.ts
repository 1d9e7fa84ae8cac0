/** The script for bash. */
import type { Flag, Place } from './places.js'

export function bash(program: string, places: readonly Place[]): string {
  const name = `_${program.replaceAll('-', '_')}`
  return `# Completes ${program} in bash.
${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} place= each
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case "$place $each" in
${places
  .slice(1)
  .map(({ path }) => `      ${quoted(beforeLast(path))}) place=${quoted(keyOf(path))} ;;`)
  .join('\n')}
    esac
  done
  case "$place $before" in
${places.flatMap((place) => place.options.flatMap((flag) => valueCases(place, flag))).join('\n')}
  esac
  case "$place" in
${places.map((place) => `    ${quoted(keyOf(place.path))}) ${replyWith(wordsAt(place))} ;;`).join('\n')}
  esac
}
complete -F ${name} ${program}
`
}

/** A place and the word that leads from it to the next one. */
function beforeLast(path: readonly string[]): string {
  return `${keyOf(path.slice(0, -1))} ${path.at(-1)}`
}

function keyOf(path: readonly string[]): string {
  return path.join('/')
}

function valueCases(place: Place, { names, takes, values }: Flag): string[] {
  if (takes === 'nothing') return []
  const reply = takes === 'path' ? 'COMPREPLY=($(compgen -f -- "$word"))' : replyWith(values)
  return [`    ${names.map((name) => quoted(`${keyOf(place.path)} ${name}`)).join('|')}) ${reply}; return ;;`]
}

function wordsAt({ commands, options, values }: Place): string[] {
  return [...commands.map(({ name }) => name), ...values, ...options.flatMap(({ names }) => names)]
}

function replyWith(words: readonly string[]): string {
  return words.length === 0 ? 'COMPREPLY=()' : `COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$word"))`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
