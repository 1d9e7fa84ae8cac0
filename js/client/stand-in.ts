/** What JavaScript does for the native core if the system refuses it a thread, or has no store of certificates. */
import type { NodeParts } from './node.js'

/** What the native half of a client has for it. */
interface NativeClient {
  resume(): void
  answerRoots(pem: string): void
}

/** The longest that a timer waits, in ms. A call that is too early only waits again. */
const LONGEST = 2 ** 31 - 1

const waiting = new WeakMap<NativeClient, NodeJS.Timeout>()

/**
 * Has the core try again after so many ms: it has no thread that could wait for that. What keeps the process alive is
 * the client, not this.
 */
export function resumeAfter(node: NodeParts, native: NativeClient, ms: number): void {
  node.cancel(waiting.get(native))
  const timer = node.later(() => native.resume(), Math.min(ms, LONGEST))
  timer.unref()
  waiting.set(native, timer)
}

/** Gives the core the certificates that Node.js brings. They are loaded here and not before: few programs need them. */
export function answerRoots(native: NativeClient): void {
  const { rootCertificates } = require('node:tls') as typeof import('node:tls')
  native.answerRoots(rootCertificates.join('\n'))
}
