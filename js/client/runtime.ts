/** Node.js, as a client runs in it. Bun and Deno are taken for it too. */
import { environment } from '../native/environment.js'
import { loadNative } from '../native/load.js'
import { checkNetwork } from '../native/permissions.js'
import type { Binding } from '../shared/client/binding.js'
import type { Runtime } from '../shared/client/runtime.js'
import { answerFor } from './answers.js'
import { apart, runApart } from './contexts.js'
import type { NodeParts } from './node.js'
import { observers } from './observers.js'
import { settleResults } from './results.js'
import { routeOptions } from './route-options.js'
import { closedBefore, contextOfClient, runAfterClose } from './succession.js'
import { withoutZone } from './zone.js'

/** @param node as it was when the package was loaded */
export function runtimeOf(node: NodeParts): Runtime {
  return {
    loadBinding,
    now: node.now,
    runApart,
    scheduleApart: (act) => void apart.runInAsyncScope(node.setImmediate, undefined, act),
    contextOfClient,
    environment,
    checkNetwork,
    routeOptions: (options) => (usesPortableCore() ? {} : routeOptions(options)),
    answer: answerFor(node),
    settleResults,
    withoutZone,
    closedBefore,
    // The asynchronous context has told.
    predecessorOf: () => undefined,
    runAfterClose,
    observers,
  }
}

function loadBinding(): Binding {
  binding ??= loadNative(portableCore)
  return binding
}

let binding: Binding | undefined
let isPortable = false

/** For platforms that have no binary, and never by surprise. It knows nothing of headers, TLS and proxies. */
function portableCore(): Binding | undefined {
  if (environment(PORTABLE) !== '1') return undefined
  isPortable = true
  return (require('./portable-binding.js') as typeof import('./portable-binding.js')).portableBinding()
}

function usesPortableCore(): boolean {
  if (environment(PORTABLE) === '1') runApart(loadBinding)
  return isPortable
}

const PORTABLE = 'MCP_CLIENT_PORTABLE'

/**
 * See `replay`.
 * @throws Error with cause and remedy if there is no binary
 */
export function replayByCore(record: string): string {
  return loadNative(noSubstitute).replay(record)
}

/** The portable core only makes records. */
function noSubstitute(): never {
  throw new Error(
    'a record is replayed by the native core, and there is none for this platform: replay it on another one',
  )
}
