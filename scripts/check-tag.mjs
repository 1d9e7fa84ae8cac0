/** `node scripts/check-tag.mjs v1.2.3`: whether the checkout is what that tag says. Uses nothing but Node.js. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { notesOf } from './release/changelog.mjs'
import { versionsIn } from './release/versions.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What is wrong, one sentence each. */
export function tagOffences(root, tag) {
  const others = versionsIn(root).filter(({ version }) => `v${version}` !== tag)
  const notes = notesOf(readFileSync(`${root}/CHANGELOG.md`, 'utf8'), tag.slice(1))
  return [
    ...others.map(({ file, version }) => `The tag is ${tag}, but ${file} has version ${version}`),
    ...(notes === '' ? [`CHANGELOG.md has nothing about ${tag.slice(1)}`] : []),
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [tag] = process.argv.slice(2)
  if (tag === undefined) throw new Error('usage: node scripts/check-tag.mjs TAG')
  const found = tagOffences(ROOT, tag)
  for (const offence of found) console.error(offence)
  if (found.length > 0) process.exit(1)
  console.log(`${tag} is the version of this checkout`)
}
