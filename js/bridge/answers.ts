/**
 * Decides which port gets a message of the server. A client emits every message to all of its listeners. Across a
 * bridge, each port gets the answers to its own requests and the server's pushes, but no answer to another port.
 */

/** The id of a request, as it stands in a message. */
type Id = string | number

interface Owned<Owner> {
  readonly owner: Owner
  /** The id by which the owner knows the request. */
  readonly id: Id
}

/** To all, to one owner with the message as that one knows it, or to nobody. */
export type Route<Owner> =
  | { readonly to: 'all' }
  | { readonly to: 'owner'; readonly owner: Owner; readonly message: unknown }
  | { readonly to: 'nobody' }

export class Answers<Owner> {
  readonly #owned = new Map<Id, Owned<Owner>>()
  /** The ids of each owner, oldest first. */
  readonly #sent = new Map<Owner, Set<Id>>()

  /**
   * From now on, answers to the request `sentAs` go to this owner, who knows it as `id`. An id that has an owner keeps
   * it. However many an owner claims, those of the others are remembered.
   */
  claim(owner: Owner, sentAs: Id, id: Id): void {
    if (this.#owned.has(sentAs)) return
    this.#owned.set(sentAs, { owner, id })
    const sent = this.#sent.get(owner) ?? new Set()
    this.#sent.set(owner, sent.add(sentAs))
    if (sent.size > REMEMBERED) for (const oldest of sent) return this.#drop(sent, oldest)
  }

  /** Forgets the ids of an owner that is gone. */
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
    return looksLikeAnswer(message, id) ? { to: 'nobody' } : { to: 'all' }
  }

  #drop(sent: Set<Id>, sentAs: Id): void {
    sent.delete(sentAs)
    this.#owned.delete(sentAs)
  }
}

/** The id of the request in a text that is going to be sent unchanged; `undefined` if there is none. */
export function requestedId(text: string): Id | undefined {
  try {
    const message: unknown = JSON.parse(text)
    if (!isObject(message)) return undefined
    return idIn(isObject(message.request) ? message.request.id : message.id)
  } catch {
    return undefined
  }
}

/** In the guide's dialect an answer has its id at the top, in the event dialect inside `data` (PROTOCOL.md). */
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
 * Whether a message whose id belongs to no port is an answer, to a call of the client's own for example; otherwise it
 * is a push that happens to have an id.
 */
function looksLikeAnswer(message: unknown, id: Id): boolean {
  const { event, ...rest } = message as Record<string, unknown>
  if (event === 'response' || event === 'error' || REQUEST_ID.test(String(id))) return true
  // An answer without results has only its id.
  return 'results' in rest || 'error' in rest || Object.keys(rest).length === 1
}

function idIn(value: unknown): Id | undefined {
  // The answer to the auth message goes to all.
  return (typeof value === 'string' || typeof value === 'number') && value !== 'auth' ? value : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The ids that the client makes (PROTOCOL.md rule 8). */
const REQUEST_ID = /^req_\d+_[0-9a-z]{9}$/

/** How many ids are remembered for each owner: as many as a client remembers (docs/limits.md). */
const REMEMBERED = 4_096
