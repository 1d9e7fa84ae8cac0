/**
 * Reports a missing toolchain in one sentence, before anything else runs. Uses nothing but Node.js, and no syntax newer
 * than Node.js 14.
 */
import { execFileSync } from 'node:child_process'

/**
 * The oldest versions that the tools of the project run with, by major version; the package runs with any Node.js 20.
 */
export const OLDEST_NODE = [
  [20, 19],
  [22, 13],
]
export const OLDEST_RUST = [1, 88]

/** What is missing or too old, in one sentence; null if nothing is. */
export function missingPrerequisite({ node = process.versions.node, rustc = askRustc() } = {}) {
  const oldest = OLDEST_NODE.filter(([major]) => major <= parseInt(node, 10)).pop() || OLDEST_NODE[0]
  if (isOlder(node, oldest)) {
    return `Node.js ${oldest.join('.')} or newer is needed, this is ${node}: install a current one from https://nodejs.org`
  }
  if (rustc === null) {
    return `Rust ${OLDEST_RUST.join('.')} or newer is needed and was not found: install it from https://rustup.rs`
  }
  if (isOlder(rustc, OLDEST_RUST)) {
    return `Rust ${OLDEST_RUST.join('.')} or newer is needed, this is ${rustc}: run "rustup update stable"`
  }
  return null
}

export function checkPrerequisites() {
  const sentence = missingPrerequisite()
  if (sentence === null) return
  console.error(sentence)
  process.exit(1)
}

function askRustc() {
  try {
    // Both are needed.
    execFileSync('cargo', ['--version'], { stdio: 'ignore' })
    const line = execFileSync('rustc', ['--version'], { encoding: 'utf8' })
    return (/rustc (\d+\.\d+(\.\d+)?)/.exec(line) || [])[1] || null
  } catch {
    return null
  }
}

function isOlder(version, oldest) {
  const [major, minor] = version.split('.').map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1])
}
