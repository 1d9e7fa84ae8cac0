/**
 * `node scripts/release/check-tag.mjs v1.2.3`: checks that the checkout has the version that the tag names. Needs
 * nothing but Node.js.
 */
import { readFileSync } from 'node:fs'
import { ROOT, isMain } from '../lib/root.mjs'
import { notesOf } from './changelog.mjs'
import { versionsIn } from './versions.mjs'

/** The differences between the checkout and the tag, one sentence each. */
export function tagOffences(root, tag) {
  const others = versionsIn(root).filter(({ version }) => `v${version}` !== tag)
  const notes = notesOf(readFileSync(`${root}/CHANGELOG.md`, 'utf8'), tag.slice(1))
  return [
    ...others.map(({ file, version }) => `The tag is ${tag}, but ${file} has version ${version}`),
    ...(notes === '' ? [`CHANGELOG.md has no section about ${tag.slice(1)}`] : []),
  ]
}

if (isMain(import.meta.url)) {
  const [tag] = process.argv.slice(2)
  if (tag === undefined) throw new Error('usage: node scripts/release/check-tag.mjs TAG')
  const found = tagOffences(ROOT, tag)
  for (const offence of found) console.error(offence)
  if (found.length > 0) process.exit(1)
  console.log(`${tag} is the version of this checkout`)
}
