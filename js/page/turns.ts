/** Tasks of their own, in the order in which they were asked for. */
import { later, MessageChannel, setImmediate } from './globals.js'

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
