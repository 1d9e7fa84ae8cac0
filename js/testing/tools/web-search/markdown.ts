/** Markdown to sections of plain text. It handles what is common in documentation, and leaves the rest unchanged. */
import { tidy, type Page, type Section } from './page.js'

export function parseMarkdown(source: string, fallbackTitle: string): Page {
  const anchors = new Anchors()
  const drafts: Draft[] = [{ title: '', anchor: '', text: [], code: [] }]
  for (const { kind, words } of readLines(source)) {
    if (kind === 'heading') drafts.push({ title: words, anchor: anchors.of(words), text: [], code: [] })
    else drafts.at(-1)?.[kind].push(words)
  }
  const pageTitle = drafts.find(({ title }) => title !== '')?.title ?? fallbackTitle
  return { title: pageTitle, sections: drafts.map((draft) => finish(draft, pageTitle)) }
}

interface Draft {
  readonly title: string
  readonly anchor: string
  readonly text: string[]
  readonly code: string[]
}

function finish({ title, anchor, text, code }: Draft, pageTitle: string): Section {
  return { title: title || pageTitle, anchor, text: tidy(text.join('\n')), code: tidy(code.join('\n')) }
}

interface Line {
  readonly kind: 'heading' | 'text' | 'code'
  readonly words: string
}

function* readLines(source: string): Generator<Line> {
  const lines = withoutFrontMatter(source)
    .replace(/<!--[\s\S]*?-->/g, '')
    .split(/\r?\n/)
  let fence: string | undefined
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? ''
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined
      else yield { kind: 'code', words: line }
    } else if (mark !== undefined) {
      fence = mark
    } else if (isProse(line) && isUnderline(lines[i + 1])) {
      yield { kind: 'heading', words: plain(line) }
      i++
    } else {
      yield readLine(line)
    }
  }
}

function readLine(line: string): Line {
  const heading = /^ {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$/.exec(line)?.[1]
  return heading ? { kind: 'heading', words: plain(heading) } : { kind: 'text', words: plain(line) }
}

function isProse(line: string): boolean {
  return /^ {0,3}[^\s#>|*+-]/.test(line)
}

/** The second line of a heading that is underlined. */
function isUnderline(line: string | undefined): boolean {
  return line !== undefined && /^ {0,3}(=+|-{2,})\s*$/.test(line)
}

function withoutFrontMatter(source: string): string {
  return source.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---\r?\n/, '')
}

/** The words of a line, without their formatting; code stays as it is. */
function plain(line: string): string {
  return withoutMarker(line)
    .split(/`+([^`]+)`+/)
    .map((part, index) => (index % 2 === 1 ? part : plainProse(part)))
    .join('')
    .trim()
}

/** Removes the marks of quotations, list items, table rules and link definitions. */
function withoutMarker(line: string): string {
  return line
    .replace(/^\s*(>\s*|[-*+]\s+|\d+[.)]\s+)+/, '')
    .replace(/^[\s|:-]+$/, '')
    .replace(/^\s*\[[^\]]+\]:(\s.*)?$/, '')
}

function plainProse(text: string): string {
  return text
    .replace(/!\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/<(https?:[^>\s]+)>/g, '$1')
    .replace(/<\/?[a-z][^<>]*>/gi, ' ')
    .replace(/\s*\|\s*/g, ' ')
    .replace(/(\*\*|__|~~)/g, '')
    .replace(/(?<![\p{L}\p{N}])[*_]|[*_](?![\p{L}\p{N}])/gu, '')
}

/** Anchors as code hosts make them from headings: lower case, hyphens for spaces, a number if the anchor exists. */
class Anchors {
  readonly #seen = new Map<string, number>()

  of(heading: string): string {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-')
    const count = this.#seen.get(slug) ?? 0
    this.#seen.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  }
}
