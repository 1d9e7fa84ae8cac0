/**
 * Asks the permission models of Node.js and Deno whether this process may use the network. Native code is not held by
 * them, so a process that may load it could connect all the same.
 */
import { allowedNodeEnvironmentFlags, permission } from 'node:process'
import { URL } from 'node:url'
import { PACKAGE } from './platform.js'

/** Of Deno's global object what is used. */
interface Deno {
  readonly permissions: {
    requestSync(descriptor: { name: 'net'; host: string }): { readonly state: 'granted' | 'prompt' | 'denied' }
  }
}

/**
 * @param url the endpoint
 * @throws an Error with the code ERR_ACCESS_DENIED where the process may not connect to it
 */
export function checkNetwork(url: string): void {
  if (isDeniedByNode()) {
    throw denied('the permission model of Node.js (--permission) denies it the network: start node with --allow-net')
  }
  const { Deno } = globalThis as { Deno?: Deno }
  if (Deno?.permissions === undefined) return
  const host = hostOf(url)
  // Where somebody sits at a terminal, Deno asks them.
  if (Deno.permissions.requestSync({ name: 'net', host }).state !== 'granted')
    throw denied(`Deno denies it the network: start deno with --allow-net=${host}`)
}

/** Before Node.js had the permission, `has('net')` was false although sockets worked. */
function isDeniedByNode(): boolean {
  return permission !== undefined && allowedNodeEnvironmentFlags.has('--allow-net') && !permission.has('net')
}

/** With its port, as Deno wants it. */
function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'wss:' ? 443 : 80)}`
}

function denied(why: string): Error {
  return Object.assign(new Error(`${PACKAGE} cannot connect: ${why}`), { code: 'ERR_ACCESS_DENIED', permission: 'Net' })
}
