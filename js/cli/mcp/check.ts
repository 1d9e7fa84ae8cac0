/**
 * Checks parameters against a tool's schema before they leave. The schema may be hostile, so the check as a whole is
 * bounded in time, its regular expressions included.
 */
import { Script } from 'node:vm'
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker'
import type { ObjectSchema } from '../catalogue/tool.js'

/** What is wrong with the parameters; `undefined` if nothing is, or the schema cannot say. */
export type Check = (parameters: unknown) => string | undefined

/** @param onFailure - is told once that parameters cannot be checked, and why */
export function checkOf(schema: ObjectSchema, onFailure: (why: string) => void): Check {
  let hasFailed = false
  const give = (why: string) => {
    hasFailed = true
    onFailure(why)
  }
  return (parameters) => {
    if (hasFailed) return undefined
    try {
      return withinTime(() => faultIn(schema, parameters))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      give(code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? `it takes more than ${LONGEST_MS} ms` : message)
      return undefined
    }
  }
}

function faultIn(schema: ObjectSchema, parameters: unknown): string | undefined {
  // The validator notes in the schema what it finds.
  const validate = new CfWorkerJsonSchemaValidator({ shortcircuit: false, draft: '2020-12' }).getValidator(
    structuredClone(schema),
  )
  const result = validate(parameters)
  return result.valid ? undefined : result.errorMessage.replace(/(^|; )#(?:\/|: )/g, '$1')
}

/** Whatever runs when the time is over is stopped, also inside of a regular expression. */
function withinTime<T>(act: () => T): T {
  return RUN.runInNewContext({ act }, { timeout: LONGEST_MS }) as T
}

const RUN = new Script('act()')
const LONGEST_MS = 200
