/** Reads Markdown as far as the tests of the documents need it: blocks of code, tables, headings, links. */

const FENCE = /^ *(`{3,}|~{3,})(.*)$/

/**
 * A document's blocks of code, and its prose with an empty line in place of each line of code. Of a block, `language`
 * and `variant` are the first two words of its fence, and `line` is the number of its first line.
 * @throws Error for a fence that is not closed, or that is not understood
 */
export function parseDocument(name, text) {
  const [blocks, prose] = [[], []]
  let open
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence, info = ''] = FENCE.exec(line) ?? []
    prose.push(open || fence ? '' : line)
    if (open && fence?.startsWith(open.fence) && info.trim() === '') {
      blocks.push(open.block)
      open = undefined
    } else if (open) {
      open.block.code += `${line}\n`
    } else if (fence) {
      const [language = '', variant = ''] = info.trim().split(/\s+/)
      open = { fence, block: { document: name, language, variant, line: index + 2, code: '' } }
    } else if (/`{3}|~{3}/.test(line)) {
      throw new Error(`${name}:${index + 1}: a fence that the tests do not understand`)
    }
  }
  if (open) throw new Error(`${name}:${open.block.line}: a block of code that is not closed`)
  return { name, blocks, prose: prose.join('\n') }
}

/** Headings, with the anchors that code hosts generate for them. */
export function headingsOf({ prose }) {
  const seen = new Map()
  return [...prose.matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, title]) => {
    const slug = title
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return { title, anchor: count === 0 ? slug : `${slug}-${count}` }
  })
}

/** The targets of all links. */
export function linksOf({ prose }) {
  return [...prose.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
}

/** The tables between a heading and the next one: the cells of each row, by the column's heading. */
export function tablesUnder({ name, prose }, title) {
  const section = prose.split(/^#{1,6} +/m).find((text) => text.split('\n')[0].trim() === title)
  if (section === undefined) throw new Error(`${name} has no heading "${title}"`)
  return [...section.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => {
    const [head, , ...rows] = table.trim().split('\n').map(cellsOf)
    return rows.map((cells) =>
      Object.fromEntries(head.map((words, index) => [words.replaceAll('`', ''), cells[index]])),
    )
  })
}

function cellsOf(row) {
  const inner = row.trim().replace(/^\|/, '').replace(/\|$/, '')
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

/** The parts of a cell that are marked as code. */
export function codesOf(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code)
}
