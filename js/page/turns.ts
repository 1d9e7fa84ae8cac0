/** Tasks of their own: soon, in the order in which they were asked for, or after some time. */
import { cancel, later, MessageChannel, setImmediate } from './globals.js'

const waiting: (() => void)[] = []

/** Runs something in a task of its own, soon. A timer of 0 ms would wait for 4 ms after some of them. */
export const nextTurn: (act: () => void) => void = setImmediate ?? (MessageChannel === undefined ? wait : postTurn)

/** The pages of some test runners have nothing better. */
function wait(act: () => void): void {
  later(act, 0)
}

function postTurn(act: () => void): void {
  waiting.push(act)
  channel().port2.postMessage(null)
}

let made: MessageChannel | undefined

function channel(): MessageChannel {
  if (made === undefined) {
    made = new MessageChannel!()
    made.port1.onmessage = () => waiting.shift()?.()
  }
  return made
}

/**
 * Runs something after so many ms. A process need not stay alive for it.
 * @returns the timer
 */
export function sleep(act: () => void, ms: number): unknown {
  const timer = later(act, Math.min(Math.max(Math.ceil(ms), 0), LONGEST))
  ;(timer as { unref?: () => void }).unref?.()
  return timer
}

let holding: unknown

/** Keeps a process alive, or does not any more. A page has none. */
export function holdProcess(isHeld: boolean): void {
  cancel(holding)
  holding = isHeld ? later(() => holdProcess(true), LONGEST) : undefined
}

/** The longest that a timer waits, in ms. A call that is too early only waits again. */
const LONGEST = 2 ** 31 - 1
