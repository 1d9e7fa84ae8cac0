/** docs/networks.md, held to what runs show. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codesOf, headingsOf, parseDocument, tablesUnder } from './markdown.mjs'
import { ROOT } from './root.mjs'

const NAME = 'docs/networks.md'
const PAGE = parseDocument(NAME, readFileSync(join(ROOT, NAME), 'utf8'))
const ROWS = headingsOf(PAGE)
  .flatMap(({ title }) => tablesUnder(PAGE, title))
  .flat()
  .filter((row) => 'situation' in row)

/** The situations that the page knows. */
export const SITUATIONS = ROWS.map(({ situation }) => situation)

/**
 * The row of a situation must say what was seen: each snippet of it that is marked as code, where `…` stands for
 * anything and a date for any date, must be in something that was seen, and all that was seen must have such a snippet.
 * @param seen errors, `close` events, or lines of the log
 */
export function assertDocumented(situation, ...seen) {
  const row = ROWS.find((row) => row.situation === situation)
  assert.ok(row, `${NAME} has no row "${situation}"`)
  const patterns = codesOf(row['what you see']).map((code) => [code, patternOf(code)])
  const texts = seen.map(shown)
  for (const [code, pattern] of patterns)
    assert.ok(
      texts.some((text) => pattern.test(text)),
      `${NAME}, "${situation}": nothing has \`${code}\`:\n${texts.join('\n')}`,
    )
  for (const text of texts)
    assert.ok(
      patterns.some(([, pattern]) => pattern.test(text)),
      `${NAME}, "${situation}" says nothing of this:\n${text}`,
    )
}

function patternOf(code) {
  const parts = withoutDates(code).split('…')
  return new RegExp(parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[^]*?'))
}

/** A line for each property; the first is the message alone. */
function shown(value) {
  if (typeof value === 'string') return value
  const { name, message, code, phase, status, location, body, cause, reason, state } = value
  const ofCause = Object.entries(cause ?? {}).map(([name, value]) => [`cause.${name}`, value])
  const lines = Object.entries({ name, code, phase, status, location, body, reason, state, cause: cause?.message })
    .concat(ofCause)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}: ${value}`)
  return withoutDates([message, ...lines].join('\n'))
}

function withoutDates(text) {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'DATE')
}
