import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ROOT } from './root.mjs'

/** ms; a program that takes longer is killed, and its test sees the signal. */
const FAR_TOO_LONG = 60_000

/**
 * Starts `program` in a process of its own. The function is passed as text, so it can use only its argument: the
 * exports of the package, `input` (passed as JSON), `tell(value)`, which sends a value to the test, and `block(ms)`,
 * which blocks its JavaScript thread. `under` is a command that runs the command line after it.
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
    /** Resolves with the value of the `tell` with this index. */
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

/** Runs `program`, which must end with exit code 0; resolves with the values that it told. */
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
