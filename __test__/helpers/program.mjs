import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ROOT } from './root.mjs'

/** No program takes so long; one that does is killed, and its test sees the signal. */
const FAR_TOO_LONG = 60_000

/**
 * Starts `program` in a process of its own. The function travels as text: it knows nothing but its argument, which
 * holds the exports of the package, `input` (by way of JSON), `tell(value)`, whose values arrive here, and `block(ms)`,
 * which keeps its JavaScript thread from everything else. `under` is a command that runs the command line after it.
 */
export function start(t, program, input = null, { env = {}, flags = [], under = [], timeout = FAR_TOO_LONG } = {}) {
  const { MCP_WS_URL: _url, MCP_API_KEY: _key, NODE_TEST_CONTEXT: _context, ...clean } = process.env
  const [command, ...args] = [
    ...under,
    process.execPath,
    ...flags,
    '--input-type=module',
    '--eval',
    sourceOf(program, input),
  ]
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  })
  t.after(() => child.kill('SIGKILL'))
  const told = []
  const lines = createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line)))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  const ended = Promise.all([once(child, 'close'), once(lines, 'close')]).then(([[code, signal]]) => ({
    code,
    signal,
    told,
    stderr,
  }))
  return {
    child,
    ended,
    /** Resolves with the value at this place of what is told. */
    async told(index) {
      while (told.length <= index) {
        const end = await Promise.race([once(lines, 'line').then(() => undefined), ended])
        if (end && told.length <= index)
          throw new Error(`the program ended with ${end.code ?? end.signal}: ${end.stderr}`)
      }
      return told[index]
    },
  }
}

/** Runs `program` to its end, which must be a good one; resolves with what it told. */
export async function run(t, program, input, options) {
  const { code, signal, told, stderr } = await start(t, program, input, options).ended
  if (code !== 0) throw new Error(`the program ended with ${code ?? signal}: ${stderr}`)
  return told
}

function sourceOf(program, input) {
  return `
    import * as entry from '@mcp-integration/client'
    import { writeSync } from 'node:fs'
    const tell = (value) => void writeSync(1, JSON.stringify(value) + '\\n')
    const block = (ms) => {
      for (const end = performance.now() + ms; performance.now() < end; );
    }
    void (${program})({ ...entry, tell, block, input: ${JSON.stringify(input)} })`
}
