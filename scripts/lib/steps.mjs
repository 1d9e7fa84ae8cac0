/** Steps with names, run one after the other until one fails: what `npm test` and `npm run test:deep` are made of. */
import { execFileSync } from 'node:child_process'
import { ROOT } from './root.mjs'

/** Each step is a name and a function. The first that throws ends the process with exit code 1. */
export async function runSteps(steps) {
  const began = performance.now()
  for (const [name, step] of steps) {
    const start = performance.now()
    console.log(`\n── ${name} ──`)
    try {
      await step()
    } catch (error) {
      console.error(`\n${name} failed${error.status === undefined ? `: ${error.stack}` : ''}`)
      process.exit(1)
    }
    console.log(`── ${name}: ${seconds(start)} s ──`)
  }
  console.log(`\nAll ${steps.length} steps passed in ${seconds(began)} s.`)
}

export function node(...args) {
  run(process.execPath, ...args)
}

/** Runs a command in the project's folder; throws unless it ends with exit code 0. */
export function run(command, ...args) {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit' })
}

/** The same with more environment variables; those that are set already stay. */
export function runWith(env, command, ...args) {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...env, ...process.env } })
}

function seconds(start) {
  return ((performance.now() - start) / 1000).toFixed(1)
}
