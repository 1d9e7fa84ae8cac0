/**
 * Computes the server's answers independently of benches/server/replies.rs, so that wrong ones are found.
 */

/** The items of a result of about this many bytes, as JSON. */
export function itemsText(bytes, kind) {
  const parts = []
  // The opening bracket, and a comma before all but the first.
  let length = 1
  while (parts.length === 0 || length + ITEM < bytes) {
    if (parts.length > 0) length += 1
    const room = Math.min(Math.max(bytes - length - ITEM, 0), LONGEST_SNIPPET)
    const part = `{"rank":${parts.length},"score":0.5,"snippet":"${fill(wordsOf(kind, parts.length), room)}"}`
    length += Buffer.byteLength(part)
    parts.push(part)
  }
  return `[${parts.join(',')}]`
}

/** Compares results with what was requested: cheaply, or completely. */
export class Expectation {
  items
  #text
  #lastLength

  constructor(bytes, kind) {
    this.#text = itemsText(bytes, kind)
    this.items = JSON.parse(this.#text)
    this.#lastLength = this.items.at(-1).snippet.length
  }

  /** @throws WrongAnswer */
  check(results, n) {
    const items = results?.items
    const count = this.items.length
    if (results?.n !== n || items?.length !== count || items[count - 1].snippet.length !== this.#lastLength) {
      throw new WrongAnswer(`call ${n} got ${JSON.stringify(results)?.slice(0, 200)}`)
    }
  }

  /** @throws WrongAnswer */
  checkInDepth(results, n) {
    this.check(results, n)
    if (JSON.stringify(results.items) !== this.#text)
      throw new WrongAnswer(`call ${n} got other items than it requested`)
  }
}

/** A wrong answer, which stops the whole run. */
export class WrongAnswer extends Error {
  name = 'WrongAnswer'
}

function wordsOf(kind, rank) {
  if (kind === 'varied') return variedWords(rank)
  return [...(kind === 'wide' ? 'größe 漢字 and some words ' : 'a few words of plain ascii text ')]
}

/** Words of three syllables, others for each item. */
function variedWords(rank) {
  let state = rank + 1
  return Array.from({ length: LONGEST_SNIPPET / 7 + 1 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    const syllable = (shift) => SYLLABLES[(state >>> shift) & 15]
    return `${syllable(28)}${syllable(24)}${syllable(20)} `
  })
}

function fill(words, room) {
  let text = ''
  let length = 0
  for (let i = 0; ; i++) {
    const word = words[i % words.length]
    const size = Buffer.byteLength(word)
    if (length + size > room) return text
    text += word
    length += size
  }
}

const SYLLABLES = ['ba', 'ce', 'di', 'fo', 'gu', 'ha', 'je', 'ki', 'lo', 'mu', 'na', 'pe', 'ri', 'so', 'tu', 'va']
const ITEM = 50
const LONGEST_SNIPPET = 400
