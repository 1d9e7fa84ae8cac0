/** One line on standard error that moves while something goes on. Only on a terminal; what is printed goes above it. */
import type { MCPClient } from '../index.js'
import { endOnSignals } from './signals.js'

export interface Spinner {
  text: string
  /** Removes the line. */
  stop(): void
}

/**
 * `undefined` if standard error is no terminal that could show it.
 * @param handlesSignals - Ctrl-C removes the line and ends the process; without it, the caller does something about it
 */
export async function startSpinner(text: string, { handlesSignals = true } = {}): Promise<Spinner | undefined> {
  // The packages that draw take time to load.
  if (!process.stderr.isTTY || process.env.TERM === 'dumb' || 'CI' in process.env) return undefined
  const { default: createSpinner } = await import('yocto-spinner')
  const spinner = createSpinner({ text, stream: process.stderr, handleSignals: false })
  // Before anything is drawn: who sees the line may press Ctrl-C at once, and the cursor is hidden.
  const forget = handlesSignals ? endOnSignals(() => spinner.stop()) : () => {}
  spinner.start()
  return {
    get text() {
      return spinner.text
    },
    set text(text) {
      spinner.text = text
    },
    stop() {
      spinner.stop()
      forget()
    },
  }
}

/** Shows the client's state until `connected` settles, and settles like it. */
export async function showState(client: MCPClient, connected: Promise<void>): Promise<void> {
  const spinner = await startSpinner(client.state)
  const show = () => spinner && (spinner.text = client.state)
  client.on('state', show)
  try {
    await connected
  } finally {
    client.off('state', show)
    spinner?.stop()
  }
}
