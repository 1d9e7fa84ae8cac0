/**
 * `node scripts/test/fuzz.mjs <target> [seconds]`: fuzzes a target of fuzz/, then adds what it found to the corpus. See
 * docs/reliability.md.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../lib/root.mjs'

const TARGETS = {
  envelope: ['-max_len=400', '-dict=fuzz/envelope.dict'],
  session: ['-max_len=400'],
  replay: ['-max_len=20000', '-dict=fuzz/envelope.dict'],
}
const [target, seconds = '900'] = process.argv.slice(2)

if (!Object.hasOwn(TARGETS, target) || !/^\d+$/.test(seconds)) {
  console.error(`usage: node scripts/test/fuzz.mjs ${Object.keys(TARGETS).join('|')} [seconds, 900 if left out]`)
  process.exit(2)
}
checkCargoFuzz()

const corpus = `fuzz/corpus/${target}`
const [found, smallest] = [temporaryFolder(), temporaryFolder()]
fuzz(found, corpus, '--', ...TARGETS[target], `-max_total_time=${seconds}`, '-print_final_stats=1')
// Of inputs that cover the same code, the shorter one is kept.
fuzz(smallest, corpus, found, '--', '-merge=1')
rmSync(join(ROOT, corpus), { recursive: true })
cpSync(smallest, join(ROOT, corpus), { recursive: true })

/**
 * The code under test is safe Rust and needs no sanitizer, which would slow it down. Coverage needs a flag that stable
 * Rust accepts only with RUSTC_BOOTSTRAP.
 */
function fuzz(...args) {
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1' }
  execFileSync('cargo', ['fuzz', 'run', '--sanitizer', 'none', target, ...args], { cwd: ROOT, stdio: 'inherit', env })
}

function checkCargoFuzz() {
  try {
    execFileSync('cargo', ['fuzz', '--version'], { stdio: 'ignore' })
  } catch {
    console.error('cargo-fuzz was not found: run "cargo install cargo-fuzz --locked"')
    process.exit(1)
  }
}

function temporaryFolder() {
  return mkdtempSync(join(tmpdir(), 'mcp-client-fuzz-'))
}
