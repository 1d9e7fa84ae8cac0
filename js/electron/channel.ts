/** Names that the three Electron parts share, and the object that the preload script gives to the page. */

/** The IPC channel on which the preload script sends a port to the main process, and that to a utility process. */
export const CHANNEL = 'mcp-client:port'

/** The name on `window`. */
export const WINDOW_KEY = 'mcpClientBridge'

/**
 * What the preload script puts on `window`: plain functions that pass only messages of the bridge. They pass text,
 * because the context bridge copies objects slowly, property by property, and drops those that are nested too deeply.
 */
export interface MCPClientBridge {
  /** Opens a port to the main process. Both listeners may be called until `close()`. */
  open(
    onMessage: (text: string) => void,
    onClose: () => void,
  ): {
    /** Sends a message. */
    postMessage(text: string): void
    /** Closes the port. */
    close(): void
  }
}

/** The parts of Electron that the preload script uses. */
export interface ElectronPreload {
  /** Electron's. */
  readonly contextBridge: { exposeInMainWorld(apiKey: string, api: object): void }
  /** Electron's. */
  readonly ipcRenderer: { postMessage(channel: string, message: unknown, transfer: any[]): void }
}
