import { useEffect, useState } from 'react'

/**
 * Counts down, in seconds, to a time in ms since 1970; at most from `ms`, because the clock of a page may be another
 * one. It only shows the wait: the client is who keeps it.
 */
export function useSecondsLeft(end: number, ms: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const interval = setInterval(() => setNow(Date.now()), 200)
    return () => clearInterval(interval)
  }, [])
  return Math.ceil(Math.min(Math.max(0, end - now), ms) / 1000)
}
