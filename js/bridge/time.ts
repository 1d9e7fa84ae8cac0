/**
 * The timers of the bridge itself: of the connection between its two ends, which the core does not know. The rules of
 * the protocol have their timers in the core, and must not have any here.
 */

/** Taken when the module is loaded, so that the fake timers of a test do not stop the bridge. */
const { setTimeout: start, clearTimeout: stop, performance } = globalThis
const clock = performance.now.bind(performance)

export interface Timer {
  stop(): void
}

/**
 * Calls `due` once, after `ms`. If the timer is much too late, because the machine slept or the page was frozen, `due`
 * is called another second later, so that messages that have arrived meanwhile are read first.
 * @param keepsAlive whether the timer keeps a Node.js process alive
 */
export function startTimer(ms: number, due: () => void, keepsAlive = true): Timer {
  const wait = Math.min(ms, LONGEST)
  const end = clock() + wait
  let running = arm(wait, keepsAlive, () => {
    if (clock() - end < LATE) due()
    else running = arm(SECOND_CHANCE, keepsAlive, due)
  })
  return { stop: () => stop(running) }
}

/** Monotonic time in ms. */
export function now(): number {
  return clock()
}

/** The wait in ms before attempt number `attempt`, from 1. It grows by half each time, and varies by a fifth. */
export function backoff(attempt: number, base: number, max: number): number {
  const delay = Math.min(base * GROWTH ** (attempt - 1), max)
  return Math.round(delay * (1 - JITTER + 2 * JITTER * Math.random()))
}

function arm(ms: number, keepsAlive: boolean, due: () => void): ReturnType<typeof start> {
  const timer = start(due, ms)
  // In a page a timer is a number.
  if (!keepsAlive) (timer as { unref?(): void }).unref?.()
  return timer
}

/** The longest time that `setTimeout` can wait, in ms. */
const LONGEST = 2_147_483_647
/** A timer that is later than this, in ms, was not merely delayed by other work. */
const LATE = 1_000
const SECOND_CHANCE = 1_000
/** The defaults of a client (docs/options.md). */
const GROWTH = 1.5
const JITTER = 0.2
