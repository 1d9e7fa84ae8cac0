/** What a search has found, as the page shows it. */
export interface Found {
  query: string
  items: FoundItem[]
}

export interface FoundItem {
  title: string
  /** Empty where there is none. */
  url: string
  snippet: string
}

/**
 * Reads the results of `web_search`, whatever a server has sent: without `items` there are none, as in the guide, and
 * what should be text becomes text.
 * @param asked the query that was sent, for results that do not name theirs
 */
export function readFound(results: unknown, asked: string): Found {
  const { query, items } = fieldsOf(results)
  return {
    query: textOf(query) || asked,
    items: Array.isArray(items) ? items.slice(0, MAX_ITEMS).map(readItem) : [],
  }
}

function readItem(item: unknown): FoundItem {
  const { title, url, snippet } = typeof item === 'string' ? { title: item } : fieldsOf(item)
  const address = typeof url === 'string' ? url : ''
  return { title: textOf(title) || address || 'Untitled', url: address, snippet: textOf(snippet) }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** React shows text, and refuses objects: of those their JSON is shown, which says most of what was meant. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The page asks for five; a server that sends a million must not stop the browser. */
const MAX_ITEMS = 100
