/** The same call many times, and how long the answers took. */
import type { MCPError } from '../../index.js'
import { shownCount, shownMs } from '../numbers.js'
import { toldToStop } from '../signals.js'
import { startSpinner, type Spinner } from '../spinner.js'
import { widthOf } from '../terminal.js'

/** What came of the calls. Latencies are those of calls that have succeeded. */
export interface Summary {
  readonly calls: number
  readonly failed: number
  /** How many calls failed with each code. */
  readonly errors: Readonly<Record<string, number>>
  readonly seconds: number
  readonly callsPerSecond: number
  /** ms; `null` if no call has succeeded. */
  readonly latency: Latency | null
  /** Ctrl-C came first. */
  readonly wasStopped: boolean
}

export interface Latency {
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** @param call - makes one call */
export async function repeat(call: () => Promise<unknown>, times: number, concurrency: number): Promise<Summary> {
  const run = new Run(call, times)
  const { told, end } = toldToStop()
  void told.then(() => run.stop())
  const progress = await showProgress(run)
  await Promise.all(Array.from({ length: Math.min(concurrency, times) }, () => run.work()))
  end()
  progress?.stop()
  return run.summary()
}

class Run {
  readonly times: number
  readonly #call: () => Promise<unknown>
  readonly #begun = performance.now()
  readonly #latencies: number[] = []
  readonly #errors = new Map<string, number>()
  #started = 0
  #failed = 0
  #wasStopped = false

  constructor(call: () => Promise<unknown>, times: number) {
    this.#call = call
    this.times = times
  }

  get done(): number {
    return this.#latencies.length + this.#failed
  }

  get failed(): number {
    return this.#failed
  }

  get perSecond(): number {
    return this.done / this.#seconds
  }

  /** Calls that are under way are waited for. */
  stop(): void {
    this.#wasStopped = true
  }

  /** Makes one call after the other, until all are made. */
  async work(): Promise<void> {
    while (this.#started < this.times && !this.#wasStopped) {
      this.#started += 1
      await this.#once()
    }
  }

  async #once(): Promise<void> {
    const begun = performance.now()
    try {
      await this.#call()
      this.#latencies.push(performance.now() - begun)
    } catch (error) {
      const { code = 'UNKNOWN' } = error as Partial<MCPError>
      this.#failed += 1
      this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
      // Each further call would only fail in the same way, at once.
      if (code === 'NOT_CONNECTED' || code === 'CONNECTION_LOST') this.stop()
    }
  }

  summary(): Summary {
    return {
      calls: this.done,
      failed: this.#failed,
      errors: Object.fromEntries(this.#errors),
      seconds: rounded(this.#seconds),
      callsPerSecond: rounded(this.perSecond),
      latency: latencyOf(this.#latencies),
      wasStopped: this.#wasStopped,
    }
  }

  get #seconds(): number {
    return (performance.now() - this.#begun) / 1000
  }
}

function latencyOf(times: readonly number[]): Latency | null {
  if (times.length === 0) return null
  const sorted = Float64Array.from(times).sort()
  // The nearest rank: a latency that a call has really had.
  const at = (share: number) => rounded(sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)]!)
  const mean = rounded(sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length)
  return { min: at(0), mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

/** To the microsecond, if it is ms. */
function rounded(number: number): number {
  return Math.round(number * 1000) / 1000
}

async function showProgress(run: Run): Promise<Spinner | undefined> {
  const spinner = await startSpinner(progressOf(run), { handlesSignals: false })
  if (spinner === undefined) return undefined
  const timer = setInterval(() => (spinner.text = progressOf(run)), BETWEEN_UPDATES_MS)
  return {
    text: '',
    stop() {
      clearInterval(timer)
      spinner.stop()
    },
  }
}

function progressOf(run: Run): string {
  const { done, times, failed, perSecond } = run
  const parts = [`${shownCount(done)}/${shownCount(times)}`, `${shownCount(Math.round(perSecond))}/s`]
  if (failed > 0) parts.push(`${shownCount(failed)} failed`)
  const text = parts.join('  ')
  // The spinner and two blanks.
  const room = Math.min((widthOf(process.stderr) ?? 0) - text.length - 4, LONGEST_BAR)
  if (room < SHORTEST_BAR) return text
  const filled = Math.round((done / times) * room)
  return `${'█'.repeat(filled)}${'░'.repeat(room - filled)}  ${text}`
}

/** For people. */
export function renderSummary({
  calls,
  failed,
  errors,
  seconds,
  callsPerSecond,
  latency,
  wasStopped,
}: Summary): string {
  const lines = [
    `${shownCount(calls)} calls in ${shownMs(seconds * 1000)}: ${shownCount(Math.round(callsPerSecond))} a second${wasStopped ? ', stopped before the end' : ''}`,
  ]
  if (latency !== null) {
    const { min, mean, p50, p90, p99, max } = latency
    lines.push(`latency  min ${shownMs(min)}  mean ${shownMs(mean)}  max ${shownMs(max)}`)
    lines.push(`         p50 ${shownMs(p50)}  p90 ${shownMs(p90)}  p99 ${shownMs(p99)}`)
  }
  const counts = Object.entries(errors).map(([code, count]) => `${shownCount(count)} ${code}`)
  if (failed > 0) lines.push(`failed   ${counts.join('  ')}`)
  return lines.join('\n')
}

const BETWEEN_UPDATES_MS = 100
const SHORTEST_BAR = 10
const LONGEST_BAR = 40
