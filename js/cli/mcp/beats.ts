/** Signs of life while a call waits, for hosts that ask for them: most give a silent call up after 60 s. */
import type { ServerContext } from '@modelcontextprotocol/server'

/** Begins to beat if the host gave a token; returns what ends it. */
export function beat({ mcpReq }: ServerContext, state: () => string): () => void {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return () => {}
  let progress = 0
  const timer = setInterval(() => {
    progress += 1
    const message = state() === 'ready' ? 'waiting for the tool' : `waiting for the connection (${state()})`
    const params = { progressToken, progress, message }
    // The host may be gone.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {})
  }, INTERVAL_MS)
  return () => clearInterval(timer)
}

const INTERVAL_MS = 5_000
