import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/**
 * Starts `mcp-client`, without the server and the key of the tests' own environment.
 * @param stdout a file descriptor for its output; the output is collected by default
 */
export function startCli(args, env = {}, { stdout = 'pipe' } = {}) {
  const { MCP_WS_URL: _url, MCP_API_KEY: _key, ...clean } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...clean, ...env },
    stdio: ['pipe', stdout, 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) child[name]?.setEncoding('utf8').on('data', (text) => (output[name] += text))
  return {
    child,
    output,
    ended: once(child, 'close').then(([code, signal]) => ({ code, signal, ...output })),
  }
}

/** Runs `mcp-client` to its end; `stdin` is what it can read. */
export function runCli(args, env, { stdin = '', ...options } = {}) {
  const { child, ended } = startCli(args, env, options)
  // It may end without reading.
  child.stdin.on('error', () => {}).end(stdin)
  return ended
}

/** Starts `mcp-client serve`; resolves when it listens, with its output so far. It is killed after the test. */
export async function serve(t, args, env) {
  const started = startCli(['serve', ...args], env)
  t.after(() => started.child.kill('SIGKILL'))
  const url = () => /ws:\S+\/mcp-ws/.exec(started.output.stdout)?.[0]
  while (!url() || !started.output.stdout.includes('Try it:')) {
    const ended = await Promise.race([once(started.child.stdout, 'data').then(() => undefined), started.ended])
    if (ended) throw new Error(`serve ended with ${ended.code}: ${ended.stderr}`)
  }
  return { ...started, url: url() }
}
