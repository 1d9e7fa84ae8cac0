/** Installs packages of the system, where the project may. */
import { execFileSync } from 'node:child_process'
import { isInPath } from '../../__test__/helpers/browser-path.mjs'

/**
 * Installs Debian packages if apt-get exists and this is root; otherwise it does nothing. It reports no failure, which
 * apt-get prints: the caller has to look whether the program exists now.
 */
export function installPackages(...packages) {
  if (process.getuid?.() !== 0 || !isInPath('apt-get')) return
  console.log(`Installing ${packages.join(', ')} for the tests …`)
  const install = ['install', '--no-install-recommends', ...packages]
  // The package lists may be missing or old: if the first try fails, they are updated for the second.
  if (aptGet(...install)) return
  aptGet('update')
  aptGet(...install)
}

function aptGet(command, ...args) {
  const options = ['--yes', '--quiet', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0']
  try {
    execFileSync('apt-get', [command, ...options, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    return true
  } catch {
    return false
  }
}
