/**
 * The time of the bridge itself: of what lies between its two ends, of which the core knows nothing. The rules of the
 * protocol have their timers in the core; nothing here may stand in for one of those.
 */

/** Taken when the module is loaded: what tests put in their place later must not stop the bridge. */
const { setTimeout: start, clearTimeout: stop, performance } = globalThis

export interface Timer {
  stop(): void
}

/**
 * Calls `due` once, after `ms`. If that comes much too late, because the machine slept or a page was frozen, what has
 * arrived meanwhile is read first: `due` is then called a second later.
 * @param keepsAlive whether a process of Node.js waits for it
 */
export function startTimer(ms: number, due: () => void, keepsAlive = true): Timer {
  const wait = Math.min(ms, LONGEST)
  const end = performance.now() + wait
  let running = arm(wait, keepsAlive, () => {
    if (performance.now() - end < LATE) due()
    else running = arm(SECOND_CHANCE, keepsAlive, due)
  })
  return { stop: () => stop(running) }
}

/** ms on a clock that never goes back. */
export function now(): number {
  return performance.now()
}

/** ms before attempt number `attempt`, which counts from 1: it grows by half each time, and a fifth of it is chance. */
export function backoff(attempt: number, base: number, max: number): number {
  const delay = Math.min(base * GROWTH ** (attempt - 1), max)
  return Math.round(delay * (1 - JITTER + 2 * JITTER * Math.random()))
}

function arm(ms: number, keepsAlive: boolean, due: () => void): ReturnType<typeof setTimeout> {
  const timer = start(due, ms)
  // In a page it is a number.
  if (!keepsAlive) (timer as { unref?(): void }).unref?.()
  return timer
}

/** The longest that `setTimeout` can wait. */
const LONGEST = 2_147_483_647
/** Later than this a timer is not merely delayed by other work. */
const LATE = 1_000
const SECOND_CHANCE = 1_000
/** As the client's own defaults: see docs/options.md. */
const GROWTH = 1.5
const JITTER = 0.2
