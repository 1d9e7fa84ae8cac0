import { useLayoutEffect, useRef, type RefObject } from 'react'
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

interface Props {
  snapshot: ConnectionSnapshot
  /** Tries to connect now. */
  retry: () => void
  /** Gets the focus when the button has gone that had it. */
  next: RefObject<HTMLElement | null>
}

/**
 * The badge, and while all is not well why not, how long until the next attempt, and a button that does not wait for
 * it.
 */
export function ConnectionStatus({ snapshot, retry, next }: Props) {
  const { state, attempt, error } = snapshot
  const [words, colour] = BADGES[state]
  const reason = error?.message ?? (state === 'closed' ? 'The connection was closed.' : null)
  return (
    <>
      <span className={`badge ${colour}`} role="status" aria-label="Connection">
        {words}
        {reason && <span className="unseen">: {reason}</span>}
      </span>
      {reason && (
        <div className={`outage ${colour}`}>
          <p>{reason}</p>
          {state === 'reconnecting' && (
            <Countdown
              key={snapshot.revision}
              attempt={attempt}
              end={snapshot.retryAt ?? 0}
              wait={snapshot.retryDelay ?? 0}
            />
          )}
          {RETRYABLE.has(state) && (
            <RetryButton retry={retry} next={next}>
              {state === 'reconnecting' ? 'Try now' : 'Connect again'}
            </RetryButton>
          )}
        </div>
      )}
    </>
  )
}

interface RetryButtonProps extends Pick<Props, 'retry' | 'next'> {
  children: string
}

function RetryButton({ retry, next, children }: RetryButtonProps) {
  const button = useRef<HTMLButtonElement>(null)
  // It goes when the connection is back. A keyboard's user would then start over at the top of the page.
  useLayoutEffect(() => {
    const element = button.current
    return () => {
      if (element === document.activeElement) next.current?.focus()
    }
  }, [next])
  return (
    <button ref={button} type="button" onClick={retry}>
      {children}
    </button>
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
