/**
 * Checks the dependencies: licences, sources and known vulnerabilities of the crates (deny.toml), and the signatures
 * and known vulnerabilities of the npm packages. `--offline` leaves out what needs the network, and says so.
 */
import { execFileSync } from 'node:child_process'
import { cargoTool } from '../lib/cargo-tool.mjs'
import { npm } from '../lib/npm.mjs'
import { ROOT } from '../lib/root.mjs'

const offline = process.argv.includes('--offline')

deny('licenses', 'bans', 'sources')
if (offline) {
  console.log(
    'NOT CHECKED, because of --offline: known vulnerabilities of crates and npm packages, and the signatures of npm packages',
  )
} else {
  deny('advisories')
  npm(['audit', '--audit-level=high'])
  npm(['audit', 'signatures'])
}

function deny(...checks) {
  execFileSync(cargoTool('cargo-deny'), ['--locked', ...(offline ? ['--offline'] : []), 'check', ...checks], {
    cwd: ROOT,
    stdio: 'inherit',
  })
}
