/**
 * `node scripts/release/announce.mjs v1.2.3 FOLDER…`: creates the release page of a tag on GitHub, with its lines of
 * the changelog and the files of these folders. It needs `gh`, GitHub's command line, and nothing else but Node.js.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, isMain } from '../lib/root.mjs'
import { notesOf } from './changelog.mjs'

/** The arguments of `gh` that create the page. */
export function announcement(changelog, tag, files) {
  const version = tag.slice(1)
  const before = version.includes('-') ? ['--prerelease'] : []
  return [
    'release',
    'create',
    tag,
    '--verify-tag',
    '--title',
    version,
    '--notes',
    notesOf(changelog, version),
    ...before,
    ...files,
  ]
}

if (isMain(import.meta.url)) {
  const [tag, ...folders] = process.argv.slice(2)
  if (tag === undefined) throw new Error('usage: node scripts/release/announce.mjs TAG FOLDER…')
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  execFileSync('gh', announcement(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), tag, files), {
    cwd: ROOT,
    stdio: 'inherit',
  })
}
