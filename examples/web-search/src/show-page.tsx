import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { MCPProvider, type MCPClientLike } from '@mcp-integration/client/react'
import { ErrorBoundary } from './ErrorBoundary'
import { SearchPage } from './SearchPage'
import './style.css'

/**
 * Shows the page over the client that `open` makes. Over a port, a bridge that is lost stays lost: then `open` makes
 * another client.
 */
export function showPage(open: () => MCPClientLike): void {
  const root = createRoot(document.getElementById('root')!)
  const showOver = (client: MCPClientLike) =>
    root.render(
      <StrictMode>
        <MCPProvider client={client}>
          <ErrorBoundary what="The page">
            <SearchPage openAnew={() => showInstead(client)} />
          </ErrorBoundary>
        </MCPProvider>
      </StrictMode>,
    )
  const showInstead = (client: MCPClientLike) => {
    void client.close()
    showOver(open())
  }
  showOver(open())
}
