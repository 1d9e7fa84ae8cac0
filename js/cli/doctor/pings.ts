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
  const times = await roundTrips(client, patience)
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

/** Those that came until the connection was lost, or the time was over. */
async function roundTrips(client: MCPClient, patience: number): Promise<number[]> {
  const times: number[] = []
  const over = new AbortController()
  const end = () => over.abort()
  const note = ({ rtt }: { rtt: number }) => times.push(rtt) === PINGS && end()
  client.on('heartbeat', note).on('close', end)
  await sleep(patience, undefined, { signal: over.signal }).catch(() => {})
  client.off('heartbeat', note).off('close', end)
  return times
}

const UNANSWERED = {
  cause: 'The server sends something, but does not answer the pings of the protocol.',
  next: 'A client stays connected as long as anything comes. Ask the operator of the server about the heartbeat.',
}

export const PINGS = 5
