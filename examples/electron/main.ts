/** The main process: it owns the client, and lets the page of its window use it. */
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app, BrowserWindow, ipcMain, net, protocol, shell } from 'electron'
import { MCPClient } from '@mcp-integration/client'
import { serveRenderers } from '@mcp-integration/client/electron/main'

/** A scheme of its own, so that the page has an origin that no other file on this machine has. */
const ORIGIN = 'app://bundle'
const PAGE = join(__dirname, 'page')

protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true } }])

// Where the server is, and the key, are in $MCP_WS_URL and $MCP_API_KEY.
const client = new MCPClient({ maxReconnectAttempts: Infinity })
serveRenderers(client, { ipcMain, allowSenders: [ORIGIN], allowTools: ['web_search'], allowControl: true })

app.whenReady().then(() => {
  protocol.handle('app', serveFile)
  const window = new BrowserWindow({
    width: 900,
    height: 760,
    webPreferences: {
      preload: require.resolve('@mcp-integration/client/electron/preload'),
      contextIsolation: true,
      sandbox: true,
    },
  })
  // Results are opened in the browser of the user. The window itself stays where it is.
  window.webContents.setWindowOpenHandler(({ url }) => {
    if (/^https?:/.test(url)) void shell.openExternal(url)
    return { action: 'deny' }
  })
  window.webContents.on('will-navigate', (event) => event.preventDefault())
  return window.loadURL(`${ORIGIN}/index.html`)
})

app.on('window-all-closed', () => app.quit())
app.on('will-quit', () => void client.close())

/** The files of the page, and no others. */
function serveFile({ url }: Request): Response | Promise<Response> {
  const { host, pathname } = new URL(url)
  const path = join(PAGE, decodeURIComponent(pathname))
  if (host !== 'bundle' || !path.startsWith(PAGE + sep) || path.endsWith(sep))
    return new Response('Not found', { status: 404 })
  return net.fetch(pathToFileURL(path).href)
}
