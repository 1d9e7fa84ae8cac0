/** What the platform says of itself at its open pages, where it has them. */
import type { AskForPage } from '../../shared/internals.js'
import { ok, skipped, warning, type Step } from './step.js'

/** @param limit - ms for each page */
export async function* pageSteps(ask: AskForPage, limit: number): AsyncGenerator<Step> {
  for (const path of ['/api/health', '/api/status']) {
    const begun = performance.now()
    const page = await ask(path, limit)
    yield 'error' in page ? skipped(path, page.error) : stepOf(path, page, performance.now() - begun)
  }
}

function stepOf(
  path: string,
  { status, body, isCut }: { status: number; body: string; isCut: boolean },
  ms: number,
): Step {
  const said = parsed(body)
  if (status >= 500) return warning(path, `HTTP ${status}: ${summary(body)}`, 'Ask the operator of the platform.')
  // Whatever answers every path with a page of its own does not have this one.
  if (status !== 200 || said === undefined) return skipped(path, `the server has no such page (HTTP ${status})`)
  const found = `${summary(JSON.stringify(said))}${isCut ? ' (cut)' : ''}`
  const claim = (said as { status?: unknown } | null)?.status
  if (typeof claim === 'string' && !/^(ok|up|healthy|pass|ready|running|online|operational)$/i.test(claim))
    return warning(path, found, 'The platform says that it is not well: ask its operator.')
  return ok(path, found, ms)
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function summary(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}

const MOST_CHARACTERS = 300
