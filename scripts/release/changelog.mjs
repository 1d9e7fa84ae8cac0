/** CHANGELOG.md: "Unreleased" on top, then the releases, newest first. */

const UNRELEASED = '## Unreleased\n'

/** The section "Unreleased", without its heading. */
export function unreleased(changelog) {
  return sectionFrom(changelog, UNRELEASED)
}

/** The section of a version, without its heading; empty if there is none. */
export function notesOf(changelog, version) {
  const heading = changelog.split('\n').find((line) => line.startsWith(`## ${version} (`))
  return heading === undefined ? '' : sectionFrom(changelog, `${heading}\n`)
}

/** Moves the section "Unreleased" under the heading of a version and its day. */
export function release(changelog, version, day) {
  return changelog.replace(UNRELEASED, () => `${UNRELEASED}\n## ${version} (${day})\n`)
}

function sectionFrom(changelog, heading) {
  const start = changelog.indexOf(heading)
  if (start === -1) return ''
  const [section] = changelog.slice(start + heading.length).split(/^## /m)
  return section.trim()
}
