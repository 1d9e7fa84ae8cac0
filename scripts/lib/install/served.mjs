/** Servers that projects start, and what they answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../../../__test__/helpers/ports.mjs'

/** ms; a server that takes longer to start is stuck. */
const LONGEST = 120_000

/**
 * Starts a server with this Node.js and fetches paths from it.
 * @param {object} server
 * @param {string} server.folder where it is started
 * @param {string[]} server.args may contain PORT
 * @param {RegExp} server.ready what it prints when it listens
 * @param {string[]} server.paths
 * @param {object} [server.env]
 * @param {string} [server.program] another Node.js
 * @param {(url: string) => Promise<unknown>} [server.visit] does something else with it while it runs
 * @returns {Promise<string[]>} the bodies
 * @throws what it has printed, if it does not start or does not answer with 200
 */
export async function fetchFrom({ folder, args, ready, paths, env = {}, program = process.execPath, visit }) {
  const port = String(await freePort())
  const child = spawn(
    program,
    args.map((arg) => (arg === 'PORT' ? port : arg)),
    {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', HOST: '127.0.0.1', HOSTNAME: '127.0.0.1', PORT: port, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const exit = once(child, 'exit')
  let printed = ''
  try {
    await new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${args.join(' ')} ${why}:\n${printed.slice(-4_000)}`))
      const timer = setTimeout(() => fail('does not listen'), LONGEST)
      const read = (chunk) => {
        printed += chunk
        if (!ready.test(printed)) return
        clearTimeout(timer)
        resolve()
      }
      child.stdout.setEncoding('utf8').on('data', read)
      child.stderr.setEncoding('utf8').on('data', read)
      exit.then(([code]) => fail(`ended with ${code}`))
    })
    const texts = await Promise.all(paths.map((path) => textOf(`http://127.0.0.1:${port}${path}`, () => printed)))
    await visit?.(`http://127.0.0.1:${port}/`)
    return texts
  } finally {
    child.kill('SIGKILL')
    await exit
  }
}

async function textOf(url, printed) {
  const response = await fetch(url)
  const text = await response.text()
  if (response.ok) return text
  throw new Error(`${url}: ${response.status} ${text.slice(0, 2_000)}\n${printed().slice(-4_000)}`)
}
