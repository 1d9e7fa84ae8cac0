/** A thread or a file handle too few: an ordinary failure of a dial, and over when there are some again. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { assertDocumented } from './helpers/networks-page.mjs'
import { start } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

const IS_ROOT = process.getuid?.() === 0
/** The resolver refuses it without asking anybody: a label has at most 63 characters. */
const NO_NAME = 'x'.repeat(64)
/** Limits on processes do not hold for root. */
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

/** Sets a soft limit of a running process; `as` is a command that runs the command line after it. */
function limit(child, what, soft, as = []) {
  const [command, ...args] = [...as, 'prlimit', '--pid', String(child.pid), `--${what}=${soft}:`]
  execFileSync(command, args)
}

/** Tells each state and each error; dials when it is told that there is a limit now. */
async function dialing({ MCPClient, tell, input: { url } }) {
  const client = new MCPClient(url, {
    autoConnect: false,
    baseReconnectDelay: 50,
    reconnectFactor: 1,
    maxReconnectAttempts: Infinity,
  })
  client.on('error', ({ message, code, retryable, cause }) => tell({ message, code, retryable, cause: cause?.code }))
  client.on('authenticated', () => tell('ready'))
  client.on('close', () => tell('lost'))
  client.on('message', ({ end }) => end && client.close())
  process.once('SIGUSR2', () => void client.connect().catch(() => {}))
  const waiting = setInterval(() => {}, 1000)
  client.on('state', ({ state }) => state === 'closed' && clearInterval(waiting))
  tell('here')
}

/** What is told from the `from`th on, up to one that `wanted` takes. */
async function toldUntil(program, from, wanted) {
  const all = []
  for (let i = from; ; i++) {
    const told = await program.told(i)
    all.push(told)
    if (wanted(told)) return all
  }
}

describe('a limit of the process', { skip: process.platform !== 'linux' && 'prlimit is for Linux' }, () => {
  for (const host of ['127.0.0.1', 'localhost', 'a name of /etc/hosts']) {
    test(`on file handles is a failed dial to ${host}, which is tried again until there are some`, async (t) => {
      const server = await listen(t)
      const name = host.includes(' ') ? 'ip6-localhost' : host
      const program = start(t, dialing, { url: `ws://${name}:${server.port}` })
      assert.equal(await program.told(0), 'here')
      limit(program.child, 'nofile', 3)
      program.child.kill('SIGUSR2')
      const first = await program.told(1)
      assert.equal(first.code, 'CONNECT_FAILED')
      assert.equal(first.retryable, true)
      if (host === '127.0.0.1') {
        assert.equal(first.cause, 'EMFILE')
        assertDocumented('Too many open files (`ulimit -n`).', first)
      }
      await program.told(2)
      limit(program.child, 'nofile', 1024)
      if (name !== 'ip6-localhost') {
        await toldUntil(program, 3, (told) => told === 'ready')
        server.broadcast({ end: true })
        const { code, stderr } = await program.ended
        assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      }
    })
  }

  test('on threads is one, too, for a name and for an address, and when it was ready before', {
    skip: !IS_ROOT && 'only root can start a process of another user, whose threads are counted',
  }, async (t) => {
    for (const host of ['127.0.0.1', NO_NAME]) {
      const server = await listen(t)
      const program = start(t, dialing, { url: `ws://${host}:${server.port}` }, { under: AS_NOBODY })
      assert.equal(await program.told(0), 'here')
      limit(program.child, 'nproc', 1, AS_NOBODY)
      program.child.kill('SIGUSR2')
      for (const told of [await program.told(1), await program.told(2)]) {
        assert.deepEqual([told.code, told.retryable, told.cause], ['CONNECT_FAILED', true, 'EAGAIN'])
        assertDocumented('Too many threads (`ulimit -u`, the pids limit of a container).', told)
      }
      limit(program.child, 'nproc', 1000, AS_NOBODY)
      if (host === '127.0.0.1') {
        const before = await toldUntil(program, 3, (told) => told === 'ready')
        server.broadcast({ end: true })
        const { code, stderr } = await program.ended
        assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
        assert.ok(before.length < 100)
      } else {
        const named = await toldUntil(program, 3, ({ cause }) => cause === 'ENOTFOUND')
        // The I/O thread is there; now none is for the look-up.
        limit(program.child, 'nproc', 1, AS_NOBODY)
        const again = await toldUntil(program, 3 + named.length, ({ cause }) => cause === 'EAGAIN')
        const { code, retryable, cause } = again.at(-1)
        assert.deepEqual([code, retryable, cause], ['CONNECT_FAILED', true, 'EAGAIN'])
        limit(program.child, 'nproc', 1000, AS_NOBODY)
        await toldUntil(program, 3 + named.length + again.length, ({ cause }) => cause === 'ENOTFOUND')
      }
    }
  })
})
