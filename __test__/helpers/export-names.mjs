/** What the module of pages calls its functions, by their names in Rust. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'

const LINE = /^export const (\w+) = '(\w+)'$/gm

export const EXPORT_NAMES = Object.fromEntries(
  [...readFileSync(join(ROOT, 'js/page/exports.ts'), 'utf8').matchAll(LINE)].map(([, name, short]) => [name, short]),
)
