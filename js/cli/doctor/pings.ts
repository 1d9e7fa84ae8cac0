/** The round-trip time, by several pings of the client's own heartbeat. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { MCPClient } from '../../index.js'
import { wordsOf } from '../connection.js'
import { shownMs } from '../numbers.js'
import type { Observed } from './observed.js'
import { diagnoseSocket } from './socket-diagnosis.js'
import { failed, ok, type Step } from './step.js'

/** @param patience - in ms: how long all of it may take */
export async function pingStep(client: MCPClient, seen: Observed, patience: number): Promise<Step> {
  await enough(client, seen, patience)
  const times = seen.roundTrips.slice(0, PINGS)
  if (times.length === PINGS) {
    const mean = times.reduce((sum, rtt) => sum + rtt, 0) / PINGS
    const [least, most] = [Math.min(...times), Math.max(...times)]
    return ok('ping', `${PINGS} pings: ${shownMs(mean)} on average, from ${shownMs(least)} to ${shownMs(most)}`)
  }
  const { error } = client
  const answered = `${times.length} of ${PINGS} pings were answered`
  if (error === null) return failed('ping', answered, UNANSWERED)
  const { close } = seen
  const diagnosis = diagnoseSocket({ error, close, heard: null, key: '', isUnderstood: true })
  return failed('ping', `${answered}: ${wordsOf(error)}`, diagnosis)
}

/** Until all are answered, the connection is lost, or the time is over. */
async function enough(client: MCPClient, seen: Observed, patience: number): Promise<void> {
  const over = new AbortController()
  const look = () => {
    if (seen.roundTrips.length >= PINGS || seen.close !== null) over.abort()
  }
  client.on('heartbeat', look).on('close', look)
  look()
  await sleep(patience, undefined, { signal: over.signal }).catch(() => {})
  client.off('heartbeat', look).off('close', look)
}

const UNANSWERED = {
  cause: 'The server sends something, but does not answer the pings of the protocol.',
  next: 'A client stays connected as long as anything comes. Ask the operator of the server about the heartbeat.',
}

export const PINGS = 5
