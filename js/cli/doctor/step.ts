/** What the doctor finds, step by step. */
import type { Diagnosis } from './diagnosis.js'

/** One step of an examination. Its texts may hold what a server said: whoever prints them makes them printable. */
export interface Step {
  /** `url`, `environment`, `name`, … */
  readonly step: string
  readonly verdict: Verdict
  /** How long it took, in ms; `null` if it took no time worth telling. */
  readonly ms: number | null
  /** What was found. */
  readonly found: string
  /** Why it failed, in plain words. */
  readonly cause?: string
  /** What to try next. */
  readonly next?: string
}

export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped'

export function ok(step: string, found: string, ms: number | null = null): Step {
  return { step, verdict: 'ok', ms, found }
}

export function warning(step: string, found: string, next: string): Step {
  return { step, verdict: 'warning', ms: null, found, next }
}

export function skipped(step: string, found: string): Step {
  return { step, verdict: 'skipped', ms: null, found }
}

export function failed(step: string, found: string, { cause, next }: Diagnosis, ms: number | null = null): Step {
  return { step, verdict: 'failed', ms, found, cause, next }
}
