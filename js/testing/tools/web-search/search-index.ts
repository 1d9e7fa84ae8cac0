/** Full-text search over the sections of documents. */
import MiniSearch from 'minisearch'
import type { Document } from './documents.js'
import { snippetOf } from './snippet.js'
import { queryWords, termsOf, wordsOf } from './words.js'

export interface Hit {
  readonly title: string
  readonly url: string
  readonly snippet: string
}

interface Entry {
  readonly id: number
  readonly heading: string
  readonly page: string
  readonly text: string
  readonly code: string
  readonly url: string
}

export class SearchIndex {
  readonly #entries: readonly Entry[]
  readonly #search = new MiniSearch<Entry>({
    fields: ['heading', 'page', 'text', 'code'],
    tokenize: wordsOf,
    processTerm: termsOf,
    searchOptions: {
      boost: { heading: 3, page: 1.5, code: 0.5 },
      // "reconnect" finds "reconnecting"; a typing error is tolerated in words that are long enough.
      prefix: (term) => term.length >= 3,
      fuzzy: (term) => (term.length >= 5 ? 0.2 : false),
      maxFuzzy: 2,
      weights: { prefix: 0.4, fuzzy: 0.2 },
    },
  })

  static async of(documents: readonly Document[]): Promise<SearchIndex> {
    const index = new SearchIndex(documents)
    // In slices, so that a large folder does not delay the heartbeats of connections.
    await index.#search.addAllAsync(index.#entries, { chunkSize: 50 })
    return index
  }

  private constructor(documents: readonly Document[]) {
    this.#entries = documents.flatMap(entriesOf).map((entry, id) => ({ ...entry, id }))
  }

  /** The best hits, best first, and how many sections match at all. */
  search(query: string, limit: number): { readonly total: number; readonly hits: readonly Hit[] } {
    const results = this.#search.search(queryWords(query).join(' '))
    const hits = results.slice(0, limit).flatMap(({ id, terms }) => this.#hit(id as number, terms))
    return { total: results.length, hits }
  }

  #hit(id: number, terms: readonly string[]): Hit[] {
    const entry = this.#entries[id]
    if (!entry) return []
    const { heading, page, url, text, code } = entry
    const title = heading === page ? page : `${heading} — ${page}`
    // A heading that only contains other headings has no text of its own.
    return [{ title, url, snippet: snippetOf([text, code], terms) || heading }]
  }
}

function entriesOf(document: Document): Omit<Entry, 'id'>[] {
  return document.sections
    .filter(({ text, code, anchor }) => text !== '' || code !== '' || anchor !== '')
    .map(({ title, anchor, text, code }) => ({
      heading: title,
      page: document.title,
      text,
      code,
      url: anchor === '' ? document.url : `${document.url}#${encodeURIComponent(anchor)}`,
    }))
}
