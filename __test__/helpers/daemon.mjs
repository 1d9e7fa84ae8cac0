/** Real proxies and servers, started on loopback for a test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter } from 'node:path'
import { folderOf } from './documents.mjs'

/**
 * Where Debian puts programs of administrators.
 */
const PATH = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter)

/** How often to look whether a program listens, in ms: nothing tells. */
const LOOK_AGAIN = 20

/** A folder with these files, removed after the test. Programs that give up root may write there. */
export async function openFolder(t, files) {
  const folder = await folderOf(t, files)
  await chmod(folder, 0o777)
  return folder
}

/**
 * Starts a program, which must stay in the foreground; resolves when it listens on `port`. It is ended after the test.
 * @throws Error with what the program printed, if it ends before that
 */
export async function startDaemon(t, port, command, ...args) {
  const child = spawn(command, args, { env: { ...process.env, PATH }, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text))
  const ended = Promise.race([
    once(child, 'close').then(([code, signal]) => `${command} ended with ${code ?? signal}: ${printed}`),
    once(child, 'error').then(([error]) => String(error)),
  ])
  t.after(async () => {
    // Not SIGKILL: it would leave the workers of some behind.
    child.kill('SIGTERM')
    await ended
  })
  if (!(await listening(port, child))) throw new Error(await ended)
  return { child, printed: () => printed }
}

/** Waits until something listens on a port of loopback; resolves with false if the program ends before that. */
export async function listening(port, child) {
  let isOver = false
  for (const event of ['exit', 'error']) child.once(event, () => (isOver = true))
  while (!(await isListening(port))) {
    if (isOver) return false
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN))
  }
  return true
}

async function isListening(port) {
  const socket = connect(port, '127.0.0.1')
  const answer = await Promise.race([
    once(socket, 'connect').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(() => false),
  ])
  socket.destroy()
  return answer
}

/** The lines of a configuration. */
export function lines(...all) {
  return `${all.flat().join('\n')}\n`
}
