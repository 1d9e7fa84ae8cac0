/** What the package takes of Electron is what Electron has. */
import * as electron from 'electron'
import { app, BrowserWindow, ipcMain, MessageChannelMain, utilityProcess } from 'electron'
import { MCPClient } from '@mcp-integration/client'
import { connectClient, serveClient } from '@mcp-integration/client/bridge'
import {
  forwardRenderers,
  serveForwarded,
  serveRenderers,
  type PortEvent,
  type SenderFrame,
} from '@mcp-integration/client/electron/main'
import '@mcp-integration/client/electron/preload'
import type { ElectronPreload } from '../../../dist/electron/channel'

/** Compiles only where `Actual` can stand wherever `Wanted` is asked for. */
function promise<Wanted>(_actual: Wanted): void {}

export async function main(): Promise<void> {
  await app.whenReady()
  const client = new MCPClient('wss://example.com/mcp-ws')
  const served = serveRenderers(client, { ipcMain, allowSenders: ['app://bundle'], allowTools: ['web_search'] })
  serveRenderers(client, { ipcMain, allowSenders: (frame: SenderFrame) => frame.url.startsWith('file:///app/') })
  const child = utilityProcess.fork('worker.js')
  forwardRenderers(child, { ipcMain, allowSenders: ['file://'] }).close()
  serveForwarded(client, process.parentPort, { allowControl: true }).close()
  new BrowserWindow({
    webPreferences: {
      preload: require.resolve('@mcp-integration/client/electron/preload'),
      contextIsolation: true,
      sandbox: true,
    },
  })
  const { port1, port2 } = new MessageChannelMain()
  serveClient(client, port1)
  connectClient(port2)
  connectClient(child)
  served.close()
}

declare const event: Electron.IpcMainEvent
promise<PortEvent>(event)
declare const frame: Electron.WebFrameMain
promise<SenderFrame>(frame)
promise<ElectronPreload>(electron)
