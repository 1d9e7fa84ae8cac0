/** Examines the endpoints one after the other, and prints what is found. */
import type { DialReport } from '../../shared/native-types.js'
import { ReportedFailure } from '../failures.js'
import { startSpinner } from '../spinner.js'
import { printableJson } from '../text.js'
import { Display } from './display.js'
import { examine, type Examination } from './examine.js'
import type { Step } from './step.js'

/** What `--json` prints of an endpoint. */
interface Findings {
  url: string
  ok: boolean
  steps: Step[]
  dial: DialReport | null
}

/**
 * @param about - what runs, for `--json`
 * @throws ReportedFailure if a step has failed
 */
export async function examineAll(
  endpoints: readonly string[],
  how: Omit<Examination, 'url' | 'tellDial'>,
  { json, about }: { json: boolean; about: object },
): Promise<void> {
  const display = json ? undefined : new Display()
  const all: Findings[] = []
  for (const url of endpoints) all.push(await examineOne({ ...how, url }, display))
  const isWell = all.every((one) => one.ok)
  if (json) process.stdout.write(`${printableJson(JSON.stringify({ ok: isWell, ...about, endpoints: all }))}\n`)
  display?.line('')
  display?.line(isWell ? 'All is well.' : 'Something is wrong: see FAILED above.')
  if (!isWell) throw new ReportedFailure()
}

async function examineOne(examination: Omit<Examination, 'tellDial'>, display: Display | undefined): Promise<Findings> {
  const findings: Findings = { url: withoutQuery(examination.url), ok: true, steps: [], dial: null }
  display?.line('')
  const spinner = await startSpinner(`examining ${findings.url}`)
  try {
    for await (const step of examine({ ...examination, tellDial: (dial) => (findings.dial = dial) })) {
      findings.steps.push(step)
      if (step.verdict === 'failed') findings.ok = false
      display?.step(step)
    }
  } finally {
    spinner?.stop()
  }
  return findings
}

/** Without what may be secret. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*/, '').replace(/\/\/.*@/, '//…@')
}
