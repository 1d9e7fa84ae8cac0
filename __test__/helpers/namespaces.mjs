/**
 * Machines of a test's own, as network namespaces of Linux, and the cable between two of them. Only root can make them.
 * A namespace lives as long as a process is in it, so that nothing is left of it, however the test ends.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderOf } from './documents.mjs'
import { ROOT } from './root.mjs'

const CLIENT = { v4: '192.0.2.1', v6: '2001:db8::1', local: 'fe80::1' }
export const SERVER = { v4: '192.0.2.2', other: '192.0.2.3', v6: '2001:db8::2', local: 'fe80::2' }
/** Addresses that no machine has, and that nobody answers for. */
export const NOBODY = { v4: '192.0.2.66', v6: '2001:db8:dead::1' }

/** A machine with nothing but loopback, and with these files in place of its own: `{ '/etc/hosts': '…' }`. */
export async function openMachine(t, files = {}) {
  // It ends when this process does, since that ends its standard input.
  const holder = spawn('unshare', ['--net', '--mount', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'exit')
  t.after(async () => {
    holder.stdin.end()
    await ended
  })
  holder.stdin.write('ready\n')
  const isReady = await Promise.race([once(holder.stdout, 'data').then(() => true), ended.then(() => false)])
  if (!isReady) throw new Error('unshare cannot make a network namespace')
  const under = ['nsenter', '--net', '--mount', `--target=${holder.pid}`, `--wd=${ROOT}`]
  const run = (...command) => execFileSync(under[0], [...under.slice(1), ...command], { encoding: 'utf8' })
  const ip = (...args) => run('ip', ...args)
  ip('link', 'set', 'lo', 'up')
  const folder = await folderOf(t, files)
  for (const path of Object.keys(files)) run('mount', '--bind', join(folder, path), path)
  /** Gives files that it was opened with other contents. */
  const write = async (files) => {
    for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text)
  }
  return { pid: holder.pid, under, run, ip, write }
}

/** Two machines, joined by a cable: `eth0` of each. `files` are those of the client's machine. */
export async function openCable(t, files) {
  const [client, server] = [await openMachine(t, files), await openMachine(t)]
  client.ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(server.pid))
  for (const [machine, addresses] of [
    [client, CLIENT],
    [server, SERVER],
  ]) {
    machine.ip('link', 'set', 'eth0', 'addrgenmode', 'none')
    for (const address of Object.values(addresses)) addAddress(machine, address)
    machine.ip('link', 'set', 'eth0', 'up')
  }
  client.ip('-6', 'route', 'add', 'default', 'via', SERVER.v6)
  // A router that swallows what it is given.
  server.ip('-6', 'route', 'add', 'blackhole', `${NOBODY.v6}/64`)
  return { client, server }
}

/** Gives the end of the cable an address. */
export function addAddress({ ip }, address) {
  // Without a look whether another machine has it, which takes a second.
  if (address.includes(':')) ip('address', 'add', `${address}/64`, 'dev', 'eth0', 'nodad')
  else ip('address', 'add', `${address}/24`, 'dev', 'eth0')
}

/** Pulls the cable, so that both ends notice; the function returned plugs it in again. */
export function pull({ server }) {
  server.ip('link', 'set', 'eth0', 'down')
  return () => server.ip('link', 'set', 'eth0', 'up')
}

/** Loses whatever either end sends, so that neither notices; the function returned ends that. */
export function lose({ client, server }) {
  const both = (...args) => {
    for (const { run } of [client, server]) run('tc', 'qdisc', ...args)
  }
  // A queue that holds a byte holds no packet.
  both('add', 'dev', 'eth0', 'root', 'tbf', 'rate', '8bit', 'burst', '1', 'limit', '1')
  return () => both('del', 'dev', 'eth0', 'root')
}
