/** The script for zsh. */
import type { Flag, Place } from './places.js'

export function zsh(program: string, places: readonly Place[]): string {
  return `#compdef ${program}
# Completes ${program} in zsh.
_${program}() {
  local place= each
  for each in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $each" in
${places
  .slice(1)
  .map(({ path }) => `      (${quoted(`${keyOf(path.slice(0, -1))} ${path.at(-1)}`)}) place=${quoted(keyOf(path))} ;;`)
  .join('\n')}
    esac
  done
  # What follows is about the words from the command on.
  if [[ -n $place ]]; then
    local -a steps=(\${(s:/:)place})
    shift \${#steps} words
    (( CURRENT -= \${#steps} ))
  fi
  case "$place" in
${places.map((place) => `    (${quoted(keyOf(place.path))})\n      _arguments ${specsOf(place)}\n      ;;`).join('\n')}
  esac
}
compdef _${program} ${program}
`
}

function keyOf(path: readonly string[]): string {
  return path.join('/')
}

function specsOf({ commands, options, values }: Place): string {
  const first = commands.map(({ name, description }) => `${escaped(name)}\\:${inDoubleQuotes(description)}`)
  const words = [...first, ...values.map(escaped)]
  const next = words.length === 0 ? [] : [`1:${commands.length > 0 ? 'command' : 'value'}:((${words.join(' ')}))`]
  return [...options.flatMap(specsOfFlag), ...next, '*: :()'].map(quoted).join(' \\\n        ')
}

function specsOfFlag({ names, description, takes, values, mayRepeat }: Flag): string[] {
  const star = mayRepeat ? '*' : ''
  const action = takes === 'path' ? '_files' : values.length > 0 ? `(${values.map(escaped).join(' ')})` : ' '
  const value = takes === 'nothing' ? '' : `:value:${action}`
  return names.map((name) => `${star}${name}[${escaped(description)}]${value}`)
}

/** In a spec of _arguments a colon and brackets have a meaning. */
function escaped(text: string): string {
  return text.replace(/[\\:[\]()]/g, '\\$&')
}

function inDoubleQuotes(text: string): string {
  return `"${text.replace(/["\\`$]/g, '\\$&').replaceAll(':', '\\:')}"`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
