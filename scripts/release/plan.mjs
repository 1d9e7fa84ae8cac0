/** Decides whether a release can be made, and of which version. Blockers are reported in one sentence. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import semver from 'semver'
import { unreleased } from './changelog.mjs'
import { versionsIn } from './versions.mjs'

/** Thrown when a release cannot be made; the message is shown to the user. */
export class Refusal extends Error {}

/**
 * @param {string[]} args of the command line
 * @throws Refusal for an unknown option, or more than one version
 */
export function parseArguments(args) {
  const options = { version: undefined, dryRun: false, debug: false }
  for (const arg of args) {
    if (arg === '--dry-run') options.dryRun = true
    else if (arg === '--debug') options.debug = true
    else if (arg.startsWith('-')) throw new Refusal(`Unknown option ${arg}: ${USAGE}`)
    else if (options.version !== undefined)
      throw new Refusal(`Expected one version, got ${options.version} and ${arg}: ${USAGE}`)
    else options.version = arg
  }
  if (options.debug && !options.dryRun)
    throw new Refusal('--debug works only with --dry-run: the release workflow builds what is released')
  return options
}

/**
 * @param {string} root a checkout of the project
 * @param {{ version?: string, dryRun: boolean }} options without a version, a dry run takes the next patch version
 * @returns {string} the version to release
 * @throws Refusal for the first blocker
 */
export function plan(root, { version: asked, dryRun }) {
  const current = agreedVersion(root)
  if (asked === undefined && !dryRun) {
    throw new Refusal(
      `Name the version to release, which must be above ${current}; docs/versioning.md says how to choose it: npm run release -- ${semver.inc(current, 'patch')}`,
    )
  }
  const version = asked ?? semver.inc(current, 'patch')
  if (semver.valid(version) !== version)
    throw new Refusal(`"${version}" is not a version: write 1.2.3, or 1.2.3-rc.1 for a release candidate`)
  if (!semver.gt(version, current))
    throw new Refusal(`${version} is not above the version in package.json, ${current}: choose a higher one`)
  const changed = git(root, 'status', '--porcelain').split('\n').filter(Boolean)
  if (changed.length > 0)
    throw new Refusal(`The working tree has uncommitted changes (${summary(changed)}): commit or stash them`)
  if (git(root, 'tag', '--list', `v${version}`) !== '')
    throw new Refusal(`The tag v${version} already exists: choose a higher version`)
  if (unreleased(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')) === '') {
    throw new Refusal('CHANGELOG.md has nothing under "Unreleased": list the changes for users there, one line each')
  }
  return version
}

/** The output of a git command, without white space at its ends. */
export function git(root, ...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
}

function agreedVersion(root) {
  const [{ version }, ...others] = versionsIn(root)
  const other = others.find((place) => place.version !== version)
  if (other !== undefined)
    throw new Refusal(`package.json has version ${version}, but ${other.file} has ${other.version}: make them the same`)
  return version
}

/** The first file, and the number of others. */
function summary(lines) {
  const first = lines[0].replace(/^\S+ /, '')
  return lines.length === 1 ? first : `${first} and ${lines.length - 1} more`
}

const USAGE = 'npm run release -- [version] [--dry-run [--debug]]'
