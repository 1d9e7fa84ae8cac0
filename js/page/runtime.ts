/**
 * A page, as a client runs in it; and whatever else has a WebSocket and no binary of the addon: workers, Deno, workerd,
 * Node.js on other platforms.
 */
import type { Runtime } from '../shared/client/runtime.js'
import { bindingOver } from './binding.js'
import { now } from './globals.js'
import type { ModuleSource } from './module.js'
import { closedBefore, predecessorOf, runAfterClose } from './succession.js'
import { nextTurn } from './turns.js'

/** @param source where the module comes from; it is loaded by the first client */
export function runtimeOver(source: ModuleSource): Runtime {
  return {
    // Whoever needs the module is told why it cannot be loaded.
    prepare: () => void source.load().catch(() => {}),
    loadBinding: () => bindingOver(source),
    now,
    // A page has no asynchronous contexts.
    runApart: (act) => act(),
    scheduleApart: nextTurn,
    contextOfClient: () => null,
    environment,
    // The browser asks nobody, and says nothing before it refuses.
    checkNetwork: () => {},
    // The core says which options are none of a page.
    routeOptions: () => ({}),
    closedBefore,
    predecessorOf,
    runAfterClose,
  }
}

/** Node.js, Bun and Deno have some, where they may be read. */
function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  try {
    return process?.env?.[name] || undefined
  } catch {
    return undefined
  }
}
