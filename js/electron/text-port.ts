/** A port of Electron on which the messages of the bridge are sent as text; see `MCPClientBridge`. */
import type { BridgePort } from '../bridge/port.js'
import { fromText, toText } from '../bridge/text.js'

/** @param port a `MessagePortMain`; the `data` of its `message` events is the text */
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
