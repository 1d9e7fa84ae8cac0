/** Formats results for people: search results as a list, anything else as indented JSON. */
import { indented } from './indented.js'
import { oneLine, printable, printableJson } from '../text.js'

/** @param json - the results as they came; empty if there are none */
export function render(json: string): string {
  if (json === '') return 'Done: the tool answered without results.'
  const results: unknown = JSON.parse(json)
  if (typeof results === 'string') return printable(results)
  if (isListing(results)) return renderListing(results)
  return printableJson(indented(json))
}

interface Listing {
  readonly items: readonly Item[]
  readonly answer?: unknown
}

interface Item {
  readonly title: string
  readonly url?: unknown
  readonly snippet?: unknown
}

function isListing(results: unknown): results is Listing {
  const items = (results as Partial<Listing> | null)?.items
  return Array.isArray(items) && items.every((item: Partial<Item> | null) => typeof item?.title === 'string')
}

function renderListing({ items, answer }: Listing): string {
  const blocks = items.map(renderItem)
  if (typeof answer === 'string') blocks.unshift(printable(answer))
  return blocks.length > 0 ? blocks.join('\n\n') : 'No results.'
}

function renderItem({ title, url, snippet }: Item, index: number): string {
  const number = `${index + 1}. `
  const details = [url, snippet]
    .filter((line) => typeof line === 'string' && line !== '')
    .map((line) => oneLine(String(line)))
  return [`${number}${oneLine(title)}`, ...details.map((line) => ' '.repeat(number.length) + line)].join('\n')
}
