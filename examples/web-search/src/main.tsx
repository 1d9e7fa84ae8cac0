/** The page in a browser: its client is its own, and connects to the platform beside the page. */
import { MCPClient } from '@mcp-integration/client'
import { showPage } from './show-page'

/** Asked for before each authentication. What is in a page is no secret: the key is one of the visitor. */
async function keyOfVisitor(): Promise<string> {
  const response = await fetch('/key')
  if (!response.ok) throw new Error(`the server of the page gives no key: HTTP ${response.status}`)
  return response.text()
}

showPage(() => new MCPClient({ apiKey: keyOfVisitor, maxReconnectAttempts: Infinity }))
