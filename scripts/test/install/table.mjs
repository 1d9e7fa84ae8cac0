/** The table of docs/platforms.md: what was run on which platform, and what was not. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { release } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../lib/root.mjs'

const FILE = join(ROOT, 'docs/platforms.md')
const BEGIN = '<!-- made by npm run test:install -- --save -->'
const END = '<!-- to here -->'
const { PLATFORMS, platformName } = createRequire(import.meta.url)('../../../dist/native/platform.js')

/** What cannot be tried on one machine, and why. */
export const NOT_RUN = {
  Electron:
    'its program is not in the npm registry: the installation downloads it from elsewhere. An old one [was tested](electron.md)',
}

export function render(results, binary) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const rows = results.map(
    ({ group, name, versions, error }) =>
      `| ${group} | ${name} | ${versions ?? ''} | ${error === undefined ? 'works' : 'fails'} |`,
  )
  const others = PLATFORMS.filter((platform) => platform !== platformName())
  return [
    `Version ${version} of the package, on ${new Date().toISOString().slice(0, 10)}, on ${platformName()} (${system()}), with the release binary:`,
    `${statSync(binary).size.toLocaleString('en')} bytes.`,
    '',
    '| | installed and called with | versions | result |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Not run on this machine:',
    '',
    '| what | why |',
    '|---|---|',
    `| ${others.map((platform) => `\`${platform}\``).join(', ')} | other platforms than this machine's; that npm chooses their packages is in the table above, and the next part says which of them were run otherwise |`,
    ...Object.entries(NOT_RUN).map(([what, why]) => `| ${what} | ${why} |`),
  ].join('\n')
}

/** Replaces the table in the document. */
export function save(text) {
  const document = readFileSync(FILE, 'utf8')
  const [before, after] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (before < 0 || after < before) throw new Error(`${FILE} has no place for the table, between ${BEGIN} and ${END}`)
  writeFileSync(FILE, `${document.slice(0, before + BEGIN.length)}\n\n${text}\n\n${document.slice(after)}`)
}

function system() {
  const { glibcVersionRuntime } = process.report.getReport().header
  return glibcVersionRuntime === undefined ? release() : `glibc ${glibcVersionRuntime}`
}
