/** Runs named steps one after the other until one fails, for `npm test` and `npm run test:deep`. */
import { execFileSync } from 'node:child_process'
import { ROOT } from './root.mjs'

/** Thrown by a step or a command that cannot run here; the message says what it needs. */
export class NotRun extends Error {}

/**
 * Each step is a name and a function. The first that throws ends the process with exit code 1, unless it throws
 * `NotRun`: then the others run, and the last lines say what was not run.
 */
export async function runSteps(steps) {
  const notRun = []
  const began = performance.now()
  for (const [name, step] of steps) {
    const start = performance.now()
    console.log(`\n── ${name} ──`)
    try {
      await step()
    } catch (error) {
      if (error instanceof NotRun) {
        notRun.push(`NOT RUN: ${name}: ${error.message}`)
        console.error(notRun.at(-1))
        continue
      }
      console.error(`\n${name} failed${error.status === undefined ? `: ${error.stack}` : ''}`)
      process.exit(1)
    }
    console.log(`── ${name}: ${seconds(start)} s ──`)
  }
  const all = notRun.length === 0 ? 'All ' : ''
  console.log(`\n${all}${steps.length - notRun.length} steps passed in ${seconds(began)} s.`)
  for (const line of notRun) console.error(line)
}

/** Runs a step as a command of its own. The exit code is 1 if it fails or cannot run. */
export async function runAlone(step) {
  try {
    await step()
  } catch (error) {
    process.exitCode = 1
    console.error(error instanceof NotRun ? `NOT RUN: ${error.message}` : error)
  }
}

export function node(...args) {
  run(process.execPath, ...args)
}

/** Runs a command in the project's folder; throws unless it ends with exit code 0. */
export function run(command, ...args) {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit' })
}

/** The same with more environment variables; variables that are already set keep their values. */
export function runWith(env, command, ...args) {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...env, ...process.env } })
}

function seconds(start) {
  return ((performance.now() - start) / 1000).toFixed(1)
}
