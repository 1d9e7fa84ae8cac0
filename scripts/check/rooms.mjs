/** Checks which folder may use which, where no compiler does (CONTRIBUTING.md). */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { ROOT, isMain } from '../lib/root.mjs'

/** The folders of js/, and what each may import from outside of itself. */
const IMPORTS = {
  shared: [],
  native: ['shared/'],
  client: ['native/', 'page/', 'shared/'],
  page: ['bridge/serve.js', 'shared/'],
  react: ['shared/'],
  bridge: ['shared/'],
  retry: ['shared/'],
  opentelemetry: ['shared/'],
  'mcp-transport': ['index.js', 'shared/'],
  electron: ['bridge/', 'shared/'],
  // The client and the server are each other's test: they share no rule of the protocol.
  testing: ['shared/loopback.js', 'shared/option-names.js'],
  cli: ['index.js', 'client/replay.js', 'testing.js', 'native/node-version.js', 'shared/'],
}

/** Those that run in pages and sandboxed renderers too. */
const PAGE_ROOMS = ['js/shared', 'js/page', 'js/react', 'js/bridge', 'js/retry', 'js/electron']

/** The public entries, in the root of js/. */
const ENTRIES = readdirSync(join(ROOT, 'js')).filter((name) => name.endsWith('.ts'))

/** The folders of scripts/: each may import from those before it. */
const SCRIPTS = ['lib', 'check', 'build', 'release', 'test']

/** No line of code in files under `room` may match `ban`; comments may. */
export const RULES = [
  ...['crates/protocol/src', 'crates/sim/src'].flatMap((room) => [
    { room, ban: /\bInstant\b|\bSystemTime\b/, why: 'time is an argument of the protocol' },
    {
      room,
      ban: /\bthread_rng\b|\brand::rng\(|\brand::random\b|\bSysRng\b|\bRandomState\b/,
      why: 'chance is an argument of the protocol',
    },
  ]),
  {
    room: 'crates/protocol/src',
    except: ['crates/protocol/src/typescript.rs'],
    ban: /\b(env|fs|io|os|process|thread)::|\bnet::(?!IpAddr|SocketAddr)/,
    why: 'the protocol asks nothing of the system',
  },
  { room: 'src/driver', ban: /\bnapi(_derive)?\s*::|\buse\s+napi/, why: 'the driver knows no JavaScript' },
  {
    room: 'src/driver',
    except: ['src/driver/socket/utf8.rs'],
    ban: /\bunsafe\b/,
    why: 'unsafe belongs to the binding',
  },
  { room: 'src/driver', ban: /\bcrate::binding\b/, why: 'imports run one way: protocol ← driver ← binding' },
  {
    room: 'js',
    except: ['js/testing', 'js/cli', 'js/bridge/time.ts', 'js/retry/time.ts'],
    ban: /\b(setTimeout|setInterval)\s*\(/,
    why: 'timers that keep a rule are in the Rust core',
  },
  {
    room: 'js',
    except: ['js/client/runtime.ts'],
    ban: /from '(\.{1,2}\/)+(native\/)?load\.js'/,
    why: 'native code is loaded in one place',
  },
  {
    room: 'js',
    except: ['js/cli', 'js/shared/foreign.ts'],
    ban: /\binstanceof\s+((?!MCP)\w*Error|\w*(Array|Buffer|Signal|Map|Set)|AbortController|Date|Promise|RegExp|URL)\b/,
    why: 'under Jest and Vitest values of Node.js are of another realm; js/shared/foreign.ts knows them',
  },
  {
    room: 'js',
    except: ['js/cli', 'js/bridge/abort-controller.ts', 'js/testing/node.ts'],
    // Biome's noRestrictedGlobals, which looks after the other globals, would take the types for them.
    ban: /\bnew (globalThis\.)?AbortController\b|\bAbortSignal\.\w/,
    why: 'test runners replace the global object: take what is needed of it when the module loads',
  },
  {
    room: 'js',
    except: ['js/cli', 'js/client/node.ts', 'js/testing/node.ts'],
    ban: /\bfrom 'node:(timers|perf_hooks|timers\/promises)'/,
    why: 'fake timers replace these functions in their modules too: js/client/node.ts and js/testing/node.ts keep them',
  },
  ...Object.entries(IMPORTS).map(([folder, allowed]) => ({
    room: `js/${folder}`,
    ban: importBut(allowed),
    why: `js/${folder} may import ${allowed.length > 0 ? `only ${allowed.join(', ')}` : 'nothing else of js/'}`,
  })),
  ...ENTRIES.map((entry) => ({
    room: `js/${entry}`,
    // Of an export over several lines, a line in the middle is a name.
    ban: /^(?!$|import '|export (type )?\{|\} from '| {2}(type )?\w+,$|'use client'$)/,
    why: 'the public entries only re-export',
  })),
  ...['react', 'bridge', 'retry'].map((entry) => ({
    room: `js/${entry}.ts`,
    ban: importBut([`${entry}/`, 'shared/']),
    why: `js/${entry}.ts may import only ${entry}/ and shared/`,
  })),
  ...PAGE_ROOMS.flatMap((room) => [
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
  ...['js/shared', 'js/bridge', 'js/retry', 'js/electron'].map((room) => ({
    room,
    ban: /'react'|#native-client/,
    why: 'only the parts for React know it, or a client of their own',
  })),
  ...['js/shared', 'js/bridge', 'js/retry', 'js/react'].map((room) => ({
    room,
    ban: /'electron'/,
    why: 'only the parts for Electron know it',
  })),
  {
    room: '__test__',
    ban: importOf('scripts'),
    why: 'scripts/ may use __test__/, not the other way round; tests of scripts are in scripts/__test__',
  },
  { room: 'scripts', ban: importOf('benches'), why: 'benches/ may use scripts/, not the other way round' },
  ...SCRIPTS.slice(0, -1).map((folder, index) => ({
    room: `scripts/${folder}`,
    ban: importOf(...SCRIPTS.slice(index + 1)),
    why: `imports in scripts/ run one way: ${SCRIPTS.join(' ← ')}`,
  })),
]

/** The lines that break a rule, one sentence each. */
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
    .filter((entry) => entry.isFile() && /\.(rs|m?ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

/** An import of a folder or an entry of js/ that is none of these. */
function importBut(allowed) {
  const others = [
    ...Object.keys(IMPORTS).map((folder) => `${folder}/`),
    ...ENTRIES.map((name) => name.replace(/ts$/, 'js')),
  ]
  const names = others.join('|').replaceAll('.', '\\.')
  const except = allowed.join('|').replaceAll('.', '\\.')
  return new RegExp(`\\b(from|import|require)\\b\\s*\\(?\\s*'(\\.{1,2}/)+${except && `(?!${except})`}(${names})`)
}

/** An import of a module in one of these folders, which are above the file. */
function importOf(...folders) {
  return new RegExp(`\\b(from|import)\\b\\s*\\(?\\s*'(\\.\\./)+(${folders.join('|')})/`)
}

function withoutComment(line) {
  return /^\s*(\/\/|\*|\/\*)/.test(line) ? '' : line.replace(/\s\/\/ .*/, '')
}

if (isMain(import.meta.url)) {
  const found = offences()
  for (const offence of found) console.error(offence)
  if (found.length > 0) process.exit(1)
  console.log(`${RULES.length} rules of the house hold`)
}
