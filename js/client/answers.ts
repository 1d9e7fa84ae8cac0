/** What only the native core asks: the user's proxy function, and what `stand-in.ts` does for it. */
import type { NativeClient } from '../shared/client/binding.js'
import * as ITEM from '../shared/client/item.js'
import type { Answering, Runtime } from '../shared/client/runtime.js'
import { isUrl } from '../shared/foreign.js'
import type { NodeParts } from './node.js'
import { answerRoots, resumeAfter } from './stand-in.js'

type AddonClient = Required<NativeClient>

/** @param node as it was when the package was loaded */
export function answerFor(node: NodeParts): NonNullable<Runtime['answer']> {
  return (client, kind, number, text) => {
    switch (kind) {
      case ITEM.ASK_PROXY:
        return client.inContext(() => void answerProxy(client, number, text))
      case ITEM.RESUME_AFTER:
        return resumeAfter(node, client.native as AddonClient, number)
      case ITEM.ASK_ROOTS:
        return answerRoots(client.native as AddonClient)
    }
  }
}

/** The promise never rejects. */
async function answerProxy({ native, errors, askProxy }: Answering, connection: number, server: string): Promise<void> {
  errors.proxyFailure = undefined
  // What the function throws may be kept, and its stack would hold the context if that were entered below on it.
  await null
  try {
    const proxy = await askProxy?.(server)
    // The value is not shown: a password may be in it.
    if (proxy !== false && typeof proxy !== 'string' && !isUrl(proxy))
      throw new TypeError(
        `the proxy function returned ${proxy === null ? 'null' : typeof proxy}: return the URL of a proxy, or false for none`,
      )
    native.answerProxy?.(connection, proxy === false ? 'DIRECT' : String(proxy))
  } catch (error) {
    errors.proxyFailure = error
    native.answerProxy?.(connection, null)
  }
}
