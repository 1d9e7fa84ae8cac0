/**
 * A worker with a client, for pages whose tab may be hidden: there a browser lets the timers of pages run once a minute
 * at most, those of workers as ever. The first message is the options of the client; from then on the worker is the
 * port of a bridge, whose far end is `connectClient(worker)`.
 *
 * It exports nothing, so only the ending of its name says that it is an ES module.
 */
import { serveClient } from '../../bridge/serve.js'
import { runIn } from '../../shared/client/runtime.js'
import type { MCPClientOptions } from '../../shared/types.js'
import { MCPClient } from '../client.js'
import { moduleAt } from '../module.js'
import { runtimeOver } from '../runtime.js'
import { moduleUrl } from './module-url.mjs'

runIn(runtimeOver(moduleAt(moduleUrl)))

interface WorkerScope {
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void, options?: { once: boolean }): void
  postMessage(message: unknown): void
}

const scope = globalThis as unknown as WorkerScope

scope.addEventListener('message', ({ data }) => serve(data as MCPClientOptions), { once: true })

function serve(options: MCPClientOptions): void {
  // The page is its own: it may do everything.
  serveClient(new MCPClient(options), scope, { allowMessages: true, allowControl: true })
}
