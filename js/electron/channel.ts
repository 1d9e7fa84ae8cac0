/** What the three Electron parts call each other by, and what the preload script shows to the page. */

/** The IPC channel on which a preload script hands a port to the main process, and that to a utility process. */
export const CHANNEL = 'mcp-client:port'

/** The name on `window`. */
export const WINDOW_KEY = 'mcpClientBridge'

/**
 * What the preload script puts on `window`: plain functions, through which nothing but the bridge's own messages goes.
 * They go as text, because the context bridge copies objects slowly, one property after the other, and drops the ones
 * that are nested too deeply.
 */
export interface MCPClientBridge {
  /** Opens a way to the main process. Both listeners may be called until `close()`. */
  open(
    onMessage: (text: string) => void,
    onClose: () => void,
  ): {
    postMessage(text: string): void
    close(): void
  }
}

/** Of Electron what the preload script uses. */
export interface ElectronPreload {
  readonly contextBridge: { exposeInMainWorld(apiKey: string, api: object): void }
  readonly ipcRenderer: { postMessage(channel: string, message: unknown, transfer: any[]): void }
}
