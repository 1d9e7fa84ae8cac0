/**
 * Whose answer a message of the server is. A client tells everybody who listens everything that comes; across a bridge
 * each port gets the answers to its own requests and what the server says unasked, and never another's answers.
 */

/** The id of a request, as it stands in a message. */
type Id = string | number

interface Owned<Owner> {
  readonly owner: Owner
  /** What the owner calls the request. */
  readonly id: Id
}

/** For everybody, for one with the message as that one knows it, or for nobody. */
export type Route<Owner> =
  | { readonly to: 'all' }
  | { readonly to: 'owner'; readonly owner: Owner; readonly message: unknown }
  | { readonly to: 'nobody' }

export class Answers<Owner> {
  readonly #owned = new Map<Id, Owned<Owner>>()
  /** What each owner has sent its requests under, oldest first. */
  readonly #sent = new Map<Owner, Set<Id>>()

  /**
   * From now on the answers to `sentAs` are this owner's, who calls the request `id`. An id that has an owner keeps it.
   * No owner can make those of another one be forgotten.
   */
  claim(owner: Owner, sentAs: Id, id: Id): void {
    if (this.#owned.has(sentAs)) return
    this.#owned.set(sentAs, { owner, id })
    const sent = this.#sent.get(owner) ?? new Set()
    this.#sent.set(owner, sent.add(sentAs))
    if (sent.size > REMEMBERED) for (const oldest of sent) return this.#drop(sent, oldest)
  }

  /** The owner is gone. */
  forget(owner: Owner): void {
    for (const sentAs of this.#sent.get(owner) ?? []) this.#owned.delete(sentAs)
    this.#sent.delete(owner)
  }

  route(message: unknown): Route<Owner> {
    const id = answeredId(message)
    if (id === undefined) return { to: 'all' }
    const owned = this.#owned.get(id)
    if (owned !== undefined)
      return { to: 'owner', owner: owned.owner, message: owned.id === id ? message : withId(message, owned.id) }
    return looksAnswered(message, id) ? { to: 'nobody' } : { to: 'all' }
  }

  #drop(sent: Set<Id>, sentAs: Id): void {
    sent.delete(sentAs)
    this.#owned.delete(sentAs)
  }
}

/** The ids in a text that is about to be sent as it is. */
export function requestedId(text: string): Id | undefined {
  try {
    const message: unknown = JSON.parse(text)
    if (!isObject(message)) return undefined
    return idIn(isObject(message.request) ? message.request.id : message.id)
  } catch {
    return undefined
  }
}

/** In the guide's dialect an answer has its id on top, in the event dialect within (PROTOCOL.md). */
function answeredId(message: unknown): Id | undefined {
  if (!isObject(message)) return undefined
  const { event, data } = message
  if (event === 'response' && isObject(data)) return idIn(data.id)
  if (event === 'error' && isObject(data)) return idIn(data.requestId)
  return idIn(message.id)
}

function withId(message: unknown, id: Id): unknown {
  const { event, data } = message as Record<string, unknown>
  if (event === 'response' && isObject(data)) return { ...(message as object), data: { ...data, id } }
  if (event === 'error' && isObject(data)) return { ...(message as object), data: { ...data, requestId: id } }
  return { ...(message as object), id }
}

/**
 * Of an id that nobody here has asked under: the answer to a call of the client's own, say, or a push that happens to
 * have an id.
 */
function looksAnswered(message: unknown, id: Id): boolean {
  const { event, ...rest } = message as Record<string, unknown>
  if (event === 'response' || event === 'error' || REQUEST_ID.test(String(id))) return true
  // An answer without results has nothing but its id.
  return 'results' in rest || 'error' in rest || Object.keys(rest).length === 1
}

function idIn(value: unknown): Id | undefined {
  // The answer to the authentication concerns everybody.
  return (typeof value === 'string' || typeof value === 'number') && value !== 'auth' ? value : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** As the client makes them (PROTOCOL.md rule 8). */
const REQUEST_ID = /^req_\d+_[0-9a-z]{9}$/

/** Of each owner: as many as a client remembers of those that it has sent for its owner (docs/limits.md). */
const REMEMBERED = 4_096
