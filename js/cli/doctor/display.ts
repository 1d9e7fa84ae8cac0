/** Prints what the doctor finds: a line for each step; on a terminal within its width, and in colours. */
import type { ChalkInstance } from 'chalk'
import wrapAnsi from 'wrap-ansi'
import { shownMs } from '../numbers.js'
import { colours, widthOf } from '../terminal.js'
import { oneLine } from '../text.js'
import type { Step, Verdict } from './step.js'

/** Prints to standard output. */
export class Display {
  readonly #colours: ChalkInstance = colours(process.stdout)

  line(text: string): void {
    this.#print('', 0, oneLine(text))
  }

  step({ step, verdict, ms, found, cause, next }: Step): void {
    const time = ms === null ? '' : shownMs(ms)
    const rest = this.#isNarrow
      ? ` ${step} ${time}`
      : `${' '.repeat(8 - verdict.length)}${step.padEnd(13)}${time.padStart(9)}  `
    const start = this.#colours[COLOURS[verdict]](WORDS[verdict]) + rest
    if (this.#isNarrow) process.stdout.write(`${start.trimEnd()}\n`)
    this.#print(this.#isNarrow ? '' : start, this.#isNarrow ? 2 : START_WIDTH, oneLine(found))
    if (cause !== undefined) this.#note('Cause', cause)
    if (next !== undefined) this.#note('Next', next)
  }

  #note(name: string, text: string): void {
    const indent = this.#isNarrow ? 2 : 8
    this.#print('', indent, `${this.#colours.bold(`${name}:`)} ${oneLine(text)}`)
  }

  /** @param start - of the first line, as wide as `indent`; or '' */
  #print(start: string, indent: number, text: string): void {
    const width = widthOf(process.stdout)
    const lines =
      width === undefined ? [text] : wrapAnsi(text, Math.max(width - indent, 10), { hard: true }).split('\n')
    const margin = ' '.repeat(indent)
    process.stdout.write(
      `${lines.map((line, index) => (index === 0 && start !== '' ? start : margin) + line).join('\n')}\n`,
    )
  }

  get #isNarrow(): boolean {
    return (widthOf(process.stdout) ?? WIDE) < WIDE
  }
}

const WORDS: Readonly<Record<Verdict, string>> = { ok: 'ok', warning: 'warning', failed: 'FAILED', skipped: 'skipped' }

const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const

/** Columns. In fewer, what was found stands below its step. */
const WIDE = 72

/** 8 for the verdict, 13 for the step, 9 for the time, 2 between. */
const START_WIDTH = 32
