/** HTML to sections of plain text: enough for pages of documentation, not for what wants to deceive a parser. */
import { tidy, type Page, type Section } from './page.js'

export function parseHtml(source: string, fallbackTitle: string): Page {
  const body = source.replace(INVISIBLE, ' ')
  const headings = [...body.matchAll(HEADING)]
  const pageTitle = titleOf(source) || textOf(headings[0]?.[3] ?? '') || fallbackTitle
  const top = sectionOf(body.slice(0, headings[0]?.index), pageTitle, '')
  const rest = headings.map((heading, index) => {
    const [whole, , attributes = '', title = ''] = heading
    const html = body.slice(heading.index + whole.length, headings[index + 1]?.index)
    return sectionOf(html, textOf(title) || pageTitle, idOf(attributes))
  })
  return { title: pageTitle, sections: [top, ...rest] }
}

function sectionOf(html: string, title: string, anchor: string): Section {
  const code = [...html.matchAll(PREFORMATTED)].map(([block]) => textOf(block)).join(' ')
  return { title, anchor, text: textOf(html.replace(PREFORMATTED, ' ')), code }
}

function titleOf(source: string): string {
  return textOf(/<title\b[^>]*>([\s\S]*?)<\/title\s*>/i.exec(source)?.[1] ?? '')
}

function idOf(attributes: string): string {
  const match = /\bid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(attributes)
  return match?.[1] ?? match?.[2] ?? match?.[3] ?? ''
}

function textOf(html: string): string {
  return tidy(decodeEntities(html.replace(/<[^>]*>/g, ' ')))
}

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole
      const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole
    },
  )
}

const PREFORMATTED = /<pre\b[^>]*>[\s\S]*?<\/pre\s*>/gi

const HEADING = /<h([1-6])\b([^>]*)>([\s\S]*?)<\/h\1\s*>/gi

/** What a reader never sees. The title of the page is in it, and is read separately. */
const INVISIBLE = /<!--[\s\S]*?-->|<(script|style|noscript|template|svg|head)\b[^>]*>[\s\S]*?<\/\1\s*>/gi

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  rarr: '→',
}
