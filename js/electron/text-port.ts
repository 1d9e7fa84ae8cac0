/** Electron's port as one on which the messages of the bridge go as text: see `MCPClientBridge`. */
import type { BridgePort } from '../bridge/port.js'
import { fromText, toText } from '../bridge/text.js'

/** @param port a `MessagePortMain`: it has events through `on()`, and its `message` event has the text as `data` */
export function textPort(port: BridgePort): BridgePort {
  const listeners = new Map<string, (event: unknown) => void>()
  return {
    postMessage: (message) => port.postMessage(toText(message)),
    on(event: string, listener) {
      const heard = event === 'message' ? ({ data }: { data: unknown }) => listener(fromText(data)) : listener
      listeners.set(event, heard as (event: unknown) => void)
      port.on?.(event, heard)
    },
    off(event: string) {
      port.off?.(event, listeners.get(event) as () => void)
      listeners.delete(event)
    },
    start: () => port.start?.(),
    close: () => port.close?.(),
  }
}
