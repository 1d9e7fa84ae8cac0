/** Cuts the most relevant part out of a text. */

/**
 * @param texts - the preferred one first: the first with a match is cut, else the first that is not empty
 * @param terms - in lower case, as the index found them
 */
export function snippetOf(texts: readonly string[], terms: readonly string[]): string {
  for (const text of texts) {
    const places = placesOf(text, terms)
    if (places.length > 0) return cut(text, startOf(text, densest(places)))
  }
  return cut(texts.find((text) => text !== '') ?? '', 0)
}

/**
 * Where to begin so that the match at `place` has context: at the start of its sentence, if that is near.
 */
function startOf(text: string, place: number): number {
  const from = Math.max(0, place - SENTENCE)
  const sentence = text.slice(from, place).search(/(?<=[.!?:] )[^.!?:]*$/)
  const wanted = sentence !== -1 ? from + sentence : from === 0 ? 0 : place - LEAD
  return Math.max(0, Math.min(wanted, text.length - LENGTH))
}

interface Place {
  readonly start: number
  readonly term: string
}

function placesOf(text: string, terms: readonly string[]): Place[] {
  const places: Place[] = []
  const lower = text.toLowerCase()
  for (const term of terms) {
    for (let at = lower.indexOf(term); at !== -1; at = lower.indexOf(term, at + term.length)) {
      if (startsWord(lower, at)) places.push({ start: at, term })
    }
  }
  return places.sort((a, b) => a.start - b.start)
}

function startsWord(text: string, at: number): boolean {
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')
}

/** The start of the window with the most different terms; of the first such window. */
function densest(places: readonly Place[]): number {
  let best = { start: 0, terms: 0 }
  const counts = new Map<string, number>()
  let end = 0
  for (const { start, term } of places) {
    for (; end < places.length && (places[end]?.start ?? 0) < start + LENGTH - LEAD; end++) {
      const entering = places[end]?.term ?? ''
      counts.set(entering, (counts.get(entering) ?? 0) + 1)
    }
    if (counts.size > best.terms) best = { start, terms: counts.size }
    const left = (counts.get(term) ?? 1) - 1
    if (left === 0) counts.delete(term)
    else counts.set(term, left)
  }
  return best.start
}

/** Cuts between words if possible, and marks where something was cut. */
function cut(text: string, start: number): string {
  const end = start + LENGTH
  const from = start === 0 ? 0 : afterSpace(text, start - 1)
  const to = end >= text.length ? text.length : beforeSpace(text, end)
  const piece = text.slice(from, to).replace(HALF_CHARACTER, '').trim()
  return `${from > 0 ? '… ' : ''}${piece}${to < text.length ? ' …' : ''}`
}

function afterSpace(text: string, at: number): number {
  const space = text.indexOf(' ', at)
  return space === -1 || space > at + LEAD ? at : space + 1
}

function beforeSpace(text: string, at: number): number {
  const space = text.lastIndexOf(' ', at)
  return space < at - LEAD ? at : space
}

/** What a cut in the middle of a surrogate pair leaves at either end. */
const HALF_CHARACTER = /^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g

/** Characters of a snippet: two lines or three. */
const LENGTH = 240

/** Characters before the first match if no sentence begins near it. */
const LEAD = 40

/** How far before the first match its sentence may begin. */
const SENTENCE = 100
