/** `mcp-client doctor`: examines the way to a server, step by step. */
import type { DialReport } from '../../shared/native-types.js'
import { readParameters } from '../call/parameters.js'
import { ReportedFailure, UsageError } from '../failures.js'
import { clientOptions, type ServerOptions } from '../server-options.js'
import { startSpinner } from '../spinner.js'
import { printableJson } from '../text.js'
import { Display } from './display.js'
import { examine, type Examination } from './examine.js'
import type { Step } from './step.js'

export interface DoctorOptions extends ServerOptions {
  readonly tool?: string
  readonly parameters?: readonly string[]
  readonly json?: true
}

/** What `--json` prints of an endpoint. */
interface Findings {
  url: string
  ok: boolean
  steps: Step[]
  dial: DialReport | null
}

export async function doctor(server: string | undefined, options: DoctorOptions): Promise<void> {
  const { json, tool, parameters } = options
  if (parameters !== undefined && tool === undefined)
    throw new UsageError('--parameters are those of a tool: name it with --tool')
  const display = json ? undefined : new Display()
  display?.line(`mcp-client ${PACKAGE_VERSION}, Node.js ${process.versions.node}, ${process.platform} ${process.arch}`)
  const { url, ...others } = clientOptions(options, server)
  const call = tool === undefined ? undefined : { name: tool, parameters: await readParameters(parameters ?? []) }
  const all: Findings[] = []
  for (const endpoint of [url].flat() as string[]) {
    const examination = { url: endpoint, apiKey: options.apiKey, options: others, call }
    all.push(await examineOne(examination, display))
  }
  const isWell = all.every((one) => one.ok)
  if (json) process.stdout.write(`${printableJson(JSON.stringify({ ok: isWell, ...ENVIRONMENT, endpoints: all }))}\n`)
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

const ENVIRONMENT = {
  version: PACKAGE_VERSION,
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
}
