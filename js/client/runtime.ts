/** Node.js, as a client runs in it. Bun and Deno are taken for it too. */
import { environment } from '../native/environment.js'
import { loadNative } from '../native/load.js'
import { checkNetwork } from '../native/permissions.js'
import type { Runtime } from '../shared/client/runtime.js'
import { runApart, scheduleApart } from './contexts.js'
import { now } from './node.js'
import { routeOptions } from './route-options.js'
import { answerRoots, resumeAfter } from './stand-in.js'
import { closedBefore, contextOfClient, replaceClosed, runAfterClose } from './succession.js'

export const NODE: Runtime = {
  loadBinding: loadNative,
  now,
  runApart,
  scheduleApart,
  contextOfClient,
  environment,
  checkNetwork,
  routeOptions,
  resumeAfter,
  answerRoots,
  closedBefore,
  replaceClosed,
  runAfterClose,
}
