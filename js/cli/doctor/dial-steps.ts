/** The steps of a dial: from its name to the answer to the upgrade. */
import type { DialPhase, DialReport, PhaseTrace, TlsTrace } from '../../shared/native-types.js'
import type { Diagnosis } from './diagnosis.js'
import { failed, ok, type Step } from './step.js'

/** A diagnosis, and what it is made from, in a few words. */
export interface Failure extends Diagnosis {
  readonly found: string
  readonly phase: DialPhase | undefined
}

/** @param failure - why the dial failed, if it has */
export function stepsOfDial(dial: DialReport, failure: Failure | null): Step[] {
  if (failure === null)
    return dial.phases.filter(isLastOfItsKind).map((trace) => ok(trace.phase, foundBy(trace, dial), trace.duration))
  // With TLS 1.3 a server refuses the client when the next phase has begun.
  const phases = dial.phases.map(({ phase }) => phase)
  const place = failure.phase === undefined ? phases.length - 1 : phases.lastIndexOf(failure.phase)
  const culprit = dial.phases[place]
  if (culprit === undefined) return [failed('dial', failure.found, failure, dial.duration)]
  const before = dial.phases.slice(0, place).filter(({ phase }) => phase !== culprit.phase)
  return [...before.map((trace) => ok(trace.phase, foundBy(trace, dial), trace.duration)), failureOf(culprit, failure)]
}

/** One proxy after the other may be tried; the last one has opened the tunnel. */
function isLastOfItsKind({ phase }: PhaseTrace, place: number, phases: readonly PhaseTrace[]): boolean {
  return phases.findLastIndex((other) => other.phase === phase) === place
}

function failureOf(trace: PhaseTrace, failure: Failure): Step {
  return failed(trace.phase, [failure.found, ...factsOf(trace)].join('; '), failure, trace.duration)
}

function factsOf({ phase, tried, tls }: PhaseTrace): string[] {
  if (phase === 'tcp') return (tried ?? []).map(({ address, outcome }) => `${address} ${outcome}`)
  return tls?.certificate ? [certificateWords(tls)] : []
}

function foundBy({ phase, addresses, tried, tls, upgrade }: PhaseTrace, dial: DialReport): string {
  switch (phase) {
    case 'name':
      return (addresses ?? []).join(', ')
    case 'tcp':
      return (tried ?? []).map(({ address, outcome }) => `${address} ${outcome}`).join(', ')
    case 'proxy':
      return `${dial.proxy} opened a tunnel${tls ? `; ${tlsWords(tls)}` : ''}`
    case 'tls':
      return tls ? tlsWords(tls) : ''
    case 'upgrade':
      return `HTTP ${upgrade?.status}, ${upgrade?.extensions ?? 'no extensions'}${protocolWords(upgrade?.protocol)}`
  }
}

function protocolWords(protocol: string | null | undefined): string {
  return protocol ? `, subprotocol ${protocol}` : ''
}

function tlsWords(tls: TlsTrace): string {
  const session = tls.resumed ? ', an earlier session' : ''
  const verified = tls.verified ? '' : ', NOT VERIFIED'
  return `${tls.version}, ${tls.cipher}${session}${verified}; ${certificateWords(tls)}`
}

function certificateWords({ certificate }: TlsTrace): string {
  if (certificate === null) return 'the certificate cannot be read'
  const { subject, issuer, notAfter } = certificate
  return `certificate of ${subject}, issued by ${issuer}, ${daysWords((notAfter - Date.now()) / DAY_MS)}`
}

function daysWords(days: number): string {
  const whole = Math.floor(Math.abs(days))
  const words = whole === 0 ? 'less than a day' : whole === 1 ? '1 day' : `${whole} days`
  return days < 0 ? `expired ${words} ago` : `${words} left`
}

const DAY_MS = 86_400_000
