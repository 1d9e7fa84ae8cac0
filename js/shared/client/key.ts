/** What a user's key function returns, checked as far as the native core cannot. */
import { isDate } from '../foreign.js'
import type { MCPKey } from '../types.js'

/** A key as the native core takes it. */
export interface Key {
  readonly token: string
  /** In ms since 1970; `null` if it does not end. The core checks it. */
  readonly expiresAt: number | null
}

/**
 * @throws TypeError, in which nothing of the value is shown: it may hold a key
 */
export function keyOf(returned: unknown): Key {
  if (typeof returned === 'string') return { token: returned, expiresAt: null }
  if (typeof returned !== 'object' || returned === null) throw wrong(`returned ${kindOf(returned)}`)
  const { token, expiresAt } = returned as Exclude<MCPKey, string>
  if (typeof token !== 'string') throw wrong(`returned an object whose token is ${kindOf(token)}`)
  if (isDate(expiresAt)) return { token, expiresAt: expiresAt.getTime() }
  if (typeof expiresAt !== 'number') throw wrong(`returned an object whose expiresAt is ${kindOf(expiresAt)}`)
  return { token, expiresAt }
}

function wrong(what: string): TypeError {
  return new TypeError(
    `the apiKey function ${what}: it must return a string, or { token, expiresAt } with a string, and with a Date or ms since 1970`,
  )
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}
