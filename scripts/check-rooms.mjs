/** The rules of the house that no compiler checks: who may know whom (CONTRIBUTING.md). */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What runs in pages and sandboxed renderers too. */
const PAGE_ROOMS = ['js/shared', 'js/react', 'js/bridge', 'js/electron', 'js/react.ts', 'js/bridge.ts']

/** In files under `room`, no line of code may match; comments may speak of anything. */
export const RULES = [
  {
    room: 'src/protocol',
    ban: /\b(tokio|napi|napi_derive|tokio_tungstenite)\s*::|\buse\s+(tokio|napi)/,
    why: 'the protocol is sans-IO',
  },
  { room: 'src/protocol', ban: /\bInstant\b|\bSystemTime\b/, why: 'time is an argument of the protocol' },
  {
    room: 'src/protocol',
    ban: /\bthread_rng\b|\brand::rng\(|\brand::random\b|\bSysRng\b/,
    why: 'chance is an argument of the protocol',
  },
  { room: 'src/protocol', ban: /\bunsafe\b/, why: 'unsafe belongs to the binding' },
  { room: 'src/protocol', ban: /\bcrate::(driver|binding)\b/, why: 'imports run one way: protocol ← driver ← binding' },
  { room: 'src/driver', ban: /\bnapi(_derive)?\s*::|\buse\s+napi/, why: 'the driver knows no JavaScript' },
  { room: 'src/driver', ban: /\bunsafe\b/, why: 'unsafe belongs to the binding' },
  { room: 'src/driver', ban: /\bcrate::binding\b/, why: 'imports run one way: protocol ← driver ← binding' },
  {
    room: 'js',
    except: ['js/testing', 'js/cli'],
    ban: /\b(setTimeout|setInterval)\s*\(/,
    why: 'timers that keep a rule are in the Rust core',
  },
  {
    room: 'js',
    except: ['js/testing', 'js/cli'],
    ban: /from '(\.\/|\.\.\/)*(testing|cli)\b/,
    why: 'the client never loads the server or the CLI',
  },
  {
    room: 'js',
    except: ['js/client/hub.ts'],
    ban: /from '(\.{1,2}\/)+(native\/)?load\.js'/,
    why: 'native code is loaded in one place',
  },
  ...PAGE_ROOMS.flatMap((room) => [
    {
      room,
      ban: /\b(from|import|require)\b\s*\(?\s*'(\.{1,2}\/)+(client|native|testing|cli)\//,
      why: 'a page cannot load native code',
    },
    {
      room,
      ban: /\b(from|import|require)\b\s*\(?\s*'(?!\.{1,2}\/|react'|#native-client'|electron')/,
      why: 'a page has neither Node.js nor other packages',
    },
    {
      room,
      ban: /\b(process|Buffer|__dirname|__filename|setImmediate)\b\s*[.(]/,
      why: 'a page has none of the globals of Node.js',
    },
  ]),
  ...['js/bridge.ts', 'js/bridge', 'js/electron'].map((room) => ({
    room,
    ban: /'react'|#native-client/,
    why: 'the bridge knows neither React nor a client of its own',
  })),
  ...['js/bridge.ts', 'js/bridge', 'js/react.ts', 'js/react'].map((room) => ({
    room,
    ban: /'electron'/,
    why: 'only the parts for Electron know it',
  })),
]

/** The offences, one sentence each. */
export function offences(rules = RULES, read = readRoom) {
  return rules.flatMap(({ room, except = [], ban, why }) =>
    read(room)
      .filter(
        ({ file }) => !except.some((path) => file === path || file.startsWith(`${path}/`) || file === `${path}.ts`),
      )
      .flatMap(({ file, lines }) =>
        lines.flatMap((line, index) =>
          ban.test(withoutComment(line)) ? [`${file}:${index + 1}: ${why}: ${line.trim()}`] : [],
        ),
      ),
  )
}

function readRoom(room) {
  return filesOf(join(ROOT, room)).map((path) => ({
    file: relative(ROOT, path).replaceAll(sep, '/'),
    lines: readFileSync(path, 'utf8').split('\n'),
  }))
}

/** A room is a folder, or a file by itself. */
function filesOf(path) {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(rs|ts)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

function withoutComment(line) {
  return /^\s*(\/\/|\*|\/\*)/.test(line) ? '' : line.replace(/\s\/\/ .*/, '')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = offences()
  for (const offence of found) console.error(offence)
  if (found.length > 0) process.exit(1)
  console.log(`${RULES.length} rules of the house hold`)
}
