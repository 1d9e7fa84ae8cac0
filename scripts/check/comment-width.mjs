/** Finds comments that are too wide: no formatter wraps them. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { ROOT, isMain } from '../lib/root.mjs'

/** As in biome.jsonc and rustfmt.toml. */
const COLUMNS = 120

const SOURCES = /\.(rs|ts|tsx|mts|js|mjs|css)$/

/** Generated files, and the agreed contract. */
const EXCEPT = ['js/shared/native-types.ts', 'js/native/binding.d.ts', '__test__/types/contract.d.ts']

/** The places of comments that are too wide, as `file:line`. */
export function tooWide(files = trackedSources(), read = (file) => readFileSync(`${ROOT}${file}`, 'utf8')) {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (isComment(line) && [...line].length > COLUMNS ? [`${file}:${index + 1}`] : [])),
  )
}

function trackedSources() {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  }).split('\n')
  return files.filter((file) => SOURCES.test(file) && !EXCEPT.includes(file))
}

function isComment(line) {
  return /^\s*(\/\/|\*|\/\*)/.test(line)
}

if (isMain(import.meta.url)) {
  const found = tooWide()
  for (const place of found) console.error(`${place}: a comment is wider than ${COLUMNS} columns: wrap it`)
  if (found.length > 0) process.exit(1)
  console.log(`no comment is wider than ${COLUMNS} columns`)
}
