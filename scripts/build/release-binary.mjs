/**
 * `npm run build:release [-- --target TRIPLE]`: builds the binary of one platform for publishing, into npm/<platform>/,
 * and checks it.
 *
 * Linux binaries are linked by zig, which contains the C libraries of its targets in every version: musl, and glibc
 * 2.17, the oldest that Rust supports. zig and cargo-zigbuild come as Python wheels. The other systems have only one C
 * library, and need no zig.
 *
 * The names of source files are in the binary, for messages of panics; the folders of this machine are not.
 *
 * A panic unwinds in these binaries too: the driver catches it and fails one client, whereas `panic = "abort"` would
 * end the process.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NEWEST_GLIBC, offences } from '../check/binary.mjs'
import { setUpTarget, withZig } from '../lib/cross-compile.mjs'
import { withoutMachinePaths } from '../lib/machine-paths.mjs'
import { platformManifests } from '../lib/platforms.mjs'
import { ROOT, isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'

const CPUS = { x86_64: 'x64', aarch64: 'arm64', armv7: 'arm' }

/** @returns {string} the path of the binary */
export function buildRelease(target = hostTarget()) {
  const { platform, manifest } = platformOf(target)
  const file = join(ROOT, 'npm', platform, manifest.main)
  rmSync(file, { force: true })
  setUpTarget(target)
  const isLinux = platform.startsWith('linux-')
  const build = isLinux
    ? ['--cross-compile', '--target', target.endsWith('musl') ? target : `${target}.${NEWEST_GLIBC}`]
    : ['--target', target]
  const env = withoutMachinePaths(isLinux ? withZig() : process.env, target)
  const declarations = join(ROOT, 'target', 'release.d.ts')
  const cli = join(ROOT, 'node_modules/@napi-rs/cli/dist/cli.js')
  const args = [
    cli,
    'build',
    '--package',
    'mcp-client',
    '--platform',
    '--release',
    '--no-default-features',
    '--no-js',
    '--dts',
    join('..', '..', 'target', 'release.d.ts'),
    '--output-dir',
    join('npm', platform),
    ...build,
  ]
  execFileSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' })
  rmSync(declarations, { force: true })
  const found = offences(file)
  if (found.length > 0) throw new Error(`${file} must not be published: it ${found.join('; it ')}`)
  return file
}

function hostTarget() {
  return /^host: (.*)$/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))[1]
}

/** The platform package of a target. */
function platformOf(target) {
  const [cpu] = target.split('-')
  const name = [
    target.includes('apple') ? 'darwin' : target.includes('windows') ? 'win32' : 'linux',
    CPUS[cpu],
    ...(target.includes('apple') ? [] : [target.split('-').at(-1)]),
  ].join('-')
  const found = platformManifests().find(({ platform }) => platform === name)
  if (found === undefined) throw new Error(`there is no package for the target ${target} under npm/`)
  return found
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({ options: { target: { type: 'string' } } })
  setUp()
  console.log(`${buildRelease(values.target)} may be published`)
}
