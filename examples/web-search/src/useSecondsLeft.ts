import { useEffect, useState } from 'react'

/** Counts down from a number of ms, in seconds. It only shows the wait: the client is who keeps it. */
export function useSecondsLeft(ms: number): number {
  const [end] = useState(() => performance.now() + ms)
  const [left, setLeft] = useState(ms)
  useEffect(() => {
    const interval = setInterval(() => setLeft(end - performance.now()), 200)
    return () => clearInterval(interval)
  }, [end])
  return Math.max(0, Math.ceil(left / 1000))
}
