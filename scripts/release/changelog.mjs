/** CHANGELOG.md: "Unreleased" on top, then the releases, newest first. */

const UNRELEASED = '## Unreleased\n'

/** What stands under "Unreleased"; empty if nothing does. */
export function unreleased(changelog) {
  return sectionFrom(changelog, UNRELEASED)
}

/** What stands under a version. */
export function notesOf(changelog, version) {
  const heading = changelog.split('\n').find((line) => line.startsWith(`## ${version} (`))
  return heading === undefined ? '' : sectionFrom(changelog, `${heading}\n`)
}

/** The same with what was under "Unreleased" under a version and its day, and nothing under "Unreleased". */
export function release(changelog, version, day) {
  return changelog.replace(UNRELEASED, () => `${UNRELEASED}\n## ${version} (${day})\n`)
}

function sectionFrom(changelog, heading) {
  const start = changelog.indexOf(heading)
  if (start === -1) return ''
  const [section] = changelog.slice(start + heading.length).split(/^## /m)
  return section.trim()
}
