/** Node.js, as a client runs in it. Bun and Deno are taken for it too. */
import { environment } from '../native/environment.js'
import { loadNative } from '../native/load.js'
import { checkNetwork } from '../native/permissions.js'
import type { Runtime } from '../shared/client/runtime.js'
import { apart, runApart } from './contexts.js'
import type { NodeParts } from './node.js'
import { observers } from './observers.js'
import { routeOptions } from './route-options.js'
import { answerRoots, resumeAfter } from './stand-in.js'
import { closedBefore, contextOfClient, replaceClosed, runAfterClose } from './succession.js'

/** @param node as it was when the package was loaded */
export function runtimeOf(node: NodeParts): Runtime {
  return {
    loadBinding: loadNative,
    now: node.now,
    runApart,
    scheduleApart: (act) => void apart.runInAsyncScope(node.setImmediate, undefined, act),
    contextOfClient,
    environment,
    checkNetwork,
    routeOptions,
    resumeAfter: (native, ms) => resumeAfter(node, native, ms),
    answerRoots,
    closedBefore,
    replaceClosed,
    runAfterClose,
    observers,
  }
}
