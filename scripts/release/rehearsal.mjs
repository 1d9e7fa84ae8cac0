/**
 * A release in a copy of the checkout, from the first check to a call of the installed package: the last commit is
 * built, packed, published to a registry on loopback, installed from there into a fresh project, and called. Everything
 * is removed afterwards.
 *
 * Only the binary of this machine's platform is built; the other platforms' packages are published without one.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { git } from './plan.mjs'
import { repositoryOf, repositoryOffence } from './repository.mjs'

/**
 * @param {string} root the checkout
 * @param {string} version
 * @param {{ makeRelease: Function, debug?: boolean }} how `debug` builds without optimisation, which is faster
 * @throws when a step fails, or the checkout has changed
 */
export async function rehearse(root, version, { makeRelease, debug = false }) {
  const before = stateOf(root)
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-release-')))
  try {
    const copy = copyOf(root, folder)
    const { tag, files } = makeRelease(copy, version)
    report(`${tag} is committed in a copy: ${files.length} files`)
    await run(copy, [join(copy, 'scripts/build/all.mjs'), ...(debug ? ['--debug'] : [])], {
      CARGO_TARGET_DIR: join(root, 'target/rehearsal'),
    })
    report('the addon and the TypeScript are built')
    await publishAndInstall(copy, folder, version)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  if (stateOf(root) !== before)
    throw new Error('the dry run has changed the checkout, which it must not: look at "git status" and "git log"')
  report(`the dry run of ${version} has passed; the checkout is unchanged`)
}

/**
 * A clone, so that its tags are its own. The development packages are linked, and compiled crates are kept for the next
 * dry run.
 */
function copyOf(root, folder) {
  const copy = join(folder, 'project')
  git(folder, 'clone', '--quiet', root, copy)
  for (const [name, value] of Object.entries({
    'user.name': 'Rehearsal',
    'user.email': 'rehearsal@localhost',
    'commit.gpgSign': 'false',
    'tag.gpgSign': 'false',
  })) {
    git(copy, 'config', name, value)
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  // Otherwise scripts would take the linked packages for outdated, and install new ones into them.
  utimesSync(join(copy, 'package-lock.json'), 0, 0)
  return copy
}

async function publishAndInstall(copy, folder, version) {
  const load = (path) => import(pathToFileURL(join(copy, path)))
  const { manifestIn, pack, publishedManifest } = await load('scripts/release/pack.mjs')
  const { NAME, PROGRAMS, openWorkspace } = await load('scripts/lib/install/workspace.mjs')
  const { platformName } = (await load('dist/native/platform.js')).default
  const isNamed = publishedManifest().repository !== undefined || repositoryOf() !== undefined
  const env = isNamed ? process.env : { ...process.env, ...STAND_IN }
  const packages = pack(join(folder, 'packed'), { binary: join(copy, `mcp-client.${platformName()}.node`), env })
  report(`${packages.length} packages are packed`)
  const manifests = packages.map(({ file }) => manifestIn(file))
  // Outside of a workflow, there is nothing to compare the repository with.
  const offence = repositoryOf(env) === undefined ? null : repositoryOffence(manifests, env)
  if (offence !== null) throw new Error(offence)
  const { repository } = manifests.at(-1)
  report(
    `their repository is ${repository.url}${isNamed ? '' : ', a placeholder for the one whose workflow will pack them'}`,
  )
  const workspace = await openWorkspace([])
  try {
    await run(copy, [
      join(copy, 'scripts/release/publish.mjs'),
      join(folder, 'packed'),
      '--registry',
      workspace.registry.url,
    ])
    const project = workspace.project(PROGRAMS)
    // npm's own cache contains what it has packed, and npm would install that.
    await project.npm('install', `${NAME}@${version}`, `--cache=${join(folder, 'cache')}`)
    report(
      `${NAME}@${project.versionOf(NAME)} is installed from ${workspace.registry.url}: ${workspace.registry.fetched.join(', ')}`,
    )
    for (const program of Object.keys(PROGRAMS)) await project.answers(program)
    report('it answers a call')
  } finally {
    await workspace.close()
  }
}

/** Runs a script of the copy, without blocking the registry in this process. */
function run(copy, args, env = {}) {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd: copy, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (error === null) resolve()
        else reject(new Error(`${args[0]} has failed: ${stdout}\n${stderr}`))
      },
    )
  })
}

/** Everything that a release changes. */
function stateOf(root) {
  return [git(root, 'rev-parse', 'HEAD'), git(root, 'tag'), git(root, 'status', '--porcelain')].join('\n')
}

function report(text) {
  console.log(`── ${text}`)
}

/** As a workflow sets them. */
const STAND_IN = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'owner/name' }
