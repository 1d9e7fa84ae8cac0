/** The licence texts of third-party code in the packages, which the licences require. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const SEPARATOR = `\n${'-'.repeat(80)}\n\n`

/** @returns {string[]} the licence texts in the folder of a package or a crate, by file name */
export function textsIn(folder) {
  const files = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && /^(licen[cs]e|copying|copyright|notice|unlicense)(\.|-|_|$)/i.test(entry.name),
  )
  return files
    .map(({ name }) => name)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}

/**
 * @param {string} introduction a line that says what the parts are contained in
 * @param {{ name: string, version: string, license: string, texts: string[] }[]} parts
 * @returns {string} each text once, under the names of the parts that have it
 * @throws when a part has no licence text
 */
export function render(introduction, parts) {
  const byText = new Map()
  for (const { name, version, license, texts } of parts) {
    const whole = texts.map(tidy).filter((text) => text !== '')
    if (whole.length === 0)
      throw new Error(
        `${name} ${version} (${license}) is part of what is published, but has no licence text: it cannot be published without one`,
      )
    for (const text of whole) byText.set(text, [...(byText.get(text) ?? []), `${name} ${version} (${license})`])
  }
  const sections = [...byText].map(([text, names]) => `${[...new Set(names)].join('\n')}\n\n${text}\n`)
  return [introduction, ...sections].join(SEPARATOR)
}

/** The parts that a rendered text names, as `name@version`. */
export function partsOf(rendered) {
  const [, ...sections] = rendered.split(SEPARATOR)
  const names = sections.flatMap((section) => section.split('\n\n', 1)[0].split('\n'))
  return [
    ...new Set(
      names
        .map((name) => /^(\S+) (\S+) \(/.exec(name))
        .filter(Boolean)
        .map(([, name, version]) => `${name}@${version}`),
    ),
  ]
}

/** Texts that differ only in white space become equal. */
function tidy(text) {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+|\n+$/g, '')
}
