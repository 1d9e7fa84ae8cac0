/** Programs from crates.io that some scripts need, each in a fixed version. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'

const VERSIONS = { 'cargo-deny': '0.20.2', 'cargo-cyclonedx': '0.5.9' }

/** @returns {string} the path of the program; the first call builds it, which takes minutes */
export function cargoTool(name) {
  const version = VERSIONS[name]
  const folder = join(ROOT, 'target/tools', `${name}-${version}`)
  const program = join(folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name)
  if (!existsSync(program)) {
    console.log(`Building ${name} ${version} …`)
    execFileSync('cargo', ['install', '--locked', '--version', version, '--root', folder, name], {
      cwd: ROOT,
      stdio: 'inherit',
    })
  }
  return program
}
