/** Taken when this module loads, because test runners replace it later. */
const { AbortController } = globalThis

export function newAbortController(): AbortController {
  return new AbortController()
}
