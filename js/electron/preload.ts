/**
 * `@mcp-integration/client/electron/preload`: run it as a preload script, or import it in one. It lets the page reach
 * the client of the main process, and nothing else. It is built into one file that requires only `electron`, because a
 * sandboxed preload script can load nothing else.
 *
 * @packageDocumentation
 */
import { CHANNEL, WINDOW_KEY, type ElectronPreload, type MCPClientBridge } from './channel.js'

const { contextBridge, ipcRenderer } = require('electron') as ElectronPreload

const bridge: MCPClientBridge = {
  open(onMessage, onClose) {
    const { port1: port, port2 } = new MessageChannel()
    port.onmessage = ({ data }) => onMessage(data)
    // Ports in Electron have this event, also in versions whose pages do not.
    port.addEventListener('close', () => onClose())
    ipcRenderer.postMessage(CHANNEL, null, [port2])
    return {
      postMessage: (text) => port.postMessage(text),
      close: () => port.close(),
    }
  },
}

contextBridge.exposeInMainWorld(WINDOW_KEY, bridge)
