/**
 * `npm run release -- 1.2.3` makes a release of the checkout: it writes the version into every place, moves the section
 * "Unreleased" of CHANGELOG.md under it, commits and tags. It does not push. The release workflow publishes.
 *
 * `--dry-run` does all of this in a copy, publishes to a registry on loopback, and leaves the checkout unchanged.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, isMain } from '../lib/root.mjs'
import { notesOf, release } from './changelog.mjs'
import { Refusal, git, parseArguments, plan } from './plan.mjs'
import { setVersions } from './versions.mjs'

/**
 * Commits and tags a release.
 * @returns {{ tag: string, files: string[] }}
 */
export function makeRelease(root, version, day = new Date().toISOString().slice(0, 10)) {
  const path = join(root, 'CHANGELOG.md')
  const changelog = release(readFileSync(path, 'utf8'), version, day)
  const files = [...setVersions(root, version), 'CHANGELOG.md']
  writeFileSync(path, changelog)
  const tag = `v${version}`
  git(root, 'add', ...files)
  git(root, 'commit', '--quiet', '--message', `Release ${version}`)
  git(
    root,
    'tag',
    '--annotate',
    '--cleanup=verbatim',
    '--message',
    `${version}\n\n${notesOf(changelog, version)}\n`,
    tag,
  )
  return { tag, files }
}

async function main() {
  const options = parseArguments(process.argv.slice(2))
  const version = plan(ROOT, options)
  if (options.dryRun) {
    const { rehearse } = await import('./rehearsal.mjs')
    return rehearse(ROOT, version, { makeRelease, debug: options.debug })
  }
  const { tag, files } = makeRelease(ROOT, version)
  console.log(`Committed and tagged ${tag}: ${files.join(', ')}`)
  console.log(`Check it with "git show ${tag}", then push both at once; the release workflow tests and publishes:`)
  console.log(`git push --atomic origin HEAD ${tag}`)
}

if (isMain(import.meta.url)) {
  await main().catch((error) => {
    if (!(error instanceof Refusal)) throw error
    console.error(error.message)
    process.exitCode = 1
  })
}
