/** Whether a release can be made, and of which version. What is wrong is told in one sentence. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import semver from 'semver'
import { unreleased } from './changelog.mjs'
import { versionsIn } from './versions.mjs'

/** A release that cannot be made; the message is for whoever asked for it. */
export class Refusal extends Error {}

/**
 * @param {string[]} args of the command line
 * @throws Refusal for what is no version or no option
 */
export function parseArguments(args) {
  const options = { version: undefined, dryRun: false, debug: false }
  for (const arg of args) {
    if (arg === '--dry-run') options.dryRun = true
    else if (arg === '--debug') options.debug = true
    else if (arg.startsWith('-')) throw new Refusal(`There is no option ${arg}: ${USAGE}`)
    else if (options.version !== undefined)
      throw new Refusal(`One version at a time, not ${options.version} and ${arg}: ${USAGE}`)
    else options.version = arg
  }
  if (options.debug && !options.dryRun)
    throw new Refusal('--debug is for --dry-run: what is released is built by the release workflow')
  return options
}

/**
 * @param {string} root a checkout of the project
 * @param {{ version?: string, dryRun: boolean }} options a dry run without a version is one of the next patch version
 * @returns {string} the version to release
 * @throws Refusal for the first thing that is in the way
 */
export function plan(root, { version: asked, dryRun }) {
  const current = agreedVersion(root)
  if (asked === undefined && !dryRun) {
    throw new Refusal(
      `Say which version to release, one above ${current}; docs/versioning.md tells which: npm run release -- ${semver.inc(current, 'patch')}`,
    )
  }
  const version = asked ?? semver.inc(current, 'patch')
  if (semver.valid(version) !== version)
    throw new Refusal(`"${version}" is not a version: write it as 1.2.3, or 1.2.3-rc.1 for one before it`)
  if (!semver.gt(version, current))
    throw new Refusal(`${version} is not above ${current}, which package.json has: choose a greater version`)
  const changed = git(root, 'status', '--porcelain').split('\n').filter(Boolean)
  if (changed.length > 0)
    throw new Refusal(
      `The working tree has changes that are not committed (${summary(changed)}): commit them or put them away`,
    )
  if (git(root, 'tag', '--list', `v${version}`) !== '')
    throw new Refusal(`The tag v${version} exists already: choose a greater version`)
  if (unreleased(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')) === '') {
    throw new Refusal(
      'CHANGELOG.md has nothing under "Unreleased": say there what changes for users, one line for each thing',
    )
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

/** The first file, and how many more there are. */
function summary(lines) {
  const first = lines[0].replace(/^\S+ /, '')
  return lines.length === 1 ? first : `${first} and ${lines.length - 1} more`
}

const USAGE = 'npm run release -- [version] [--dry-run [--debug]]'
