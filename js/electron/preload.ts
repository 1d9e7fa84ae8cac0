/**
 * `@mcp-integration/client/electron/preload`: run as a preload script, or imported by one, it lets the page reach the
 * client of the main process, and nothing else. It is built into one file that asks for nothing but `electron`, as a
 * sandboxed preload script must be.
 *
 * @packageDocumentation
 */
import { CHANNEL, WINDOW_KEY, type ElectronPreload, type MCPClientBridge } from './channel.js'

const { contextBridge, ipcRenderer } = require('electron') as ElectronPreload

const bridge: MCPClientBridge = {
  open(onMessage, onClose) {
    const { port1: port, port2 } = new MessageChannel()
    port.onmessage = ({ data }) => onMessage(data)
    // In Electron ports have this event, and did before pages had it.
    port.addEventListener('close', () => onClose())
    ipcRenderer.postMessage(CHANNEL, null, [port2])
    return {
      postMessage: (text) => port.postMessage(text),
      close: () => port.close(),
    }
  },
}

contextBridge.exposeInMainWorld(WINDOW_KEY, bridge)
