import type { ConnectionSnapshot, ConnectionState } from '@mcp-integration/client/react'
import { useSecondsLeft } from './useSecondsLeft'

/** What the badge says in each state, and its colour. */
const BADGES: Record<ConnectionState, [words: string, colour: 'green' | 'amber' | 'red' | 'grey']> = {
  idle: ['Not connected', 'grey'],
  connecting: ['Connecting', 'amber'],
  authenticating: ['Authenticating', 'amber'],
  ready: ['Connected', 'green'],
  unauthorized: ['Key refused', 'red'],
  reconnecting: ['Reconnecting', 'amber'],
  closing: ['Closing', 'grey'],
  closed: ['Closed', 'grey'],
  failed: ['Disconnected', 'red'],
}

/**
 * The badge, and while all is not well why not, how long until the next attempt, and a button that does not wait for
 * it.
 */
export function ConnectionStatus({ snapshot, retry }: { snapshot: ConnectionSnapshot; retry: () => void }) {
  const { state, attempt, error } = snapshot
  const [words, colour] = BADGES[state]
  return (
    <>
      <span className={`badge ${colour}`} role="status">
        {words}
      </span>
      {error && (
        <div className={`outage ${colour}`}>
          <p>{error.message}</p>
          {state === 'reconnecting' && (
            <Countdown
              key={snapshot.revision}
              attempt={attempt}
              end={snapshot.retryAt ?? 0}
              wait={snapshot.retryDelay ?? 0}
            />
          )}
          {RETRYABLE.has(state) && (
            <button type="button" onClick={retry}>
              {state === 'reconnecting' ? 'Try now' : 'Connect again'}
            </button>
          )}
        </div>
      )}
    </>
  )
}

function Countdown({ attempt, end, wait }: { attempt: number; end: number; wait: number }) {
  const seconds = useSecondsLeft(end, wait)
  return (
    <p className="countdown">
      Attempt {attempt} in {seconds} s
    </p>
  )
}

const RETRYABLE: ReadonlySet<ConnectionState> = new Set(['reconnecting', 'unauthorized', 'closed', 'failed'])
