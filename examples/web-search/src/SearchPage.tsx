/** The guide's WebSearchComponent, with the state of the connection around it. */
import { useState, type FormEvent } from 'react'
import { useMCPWebSocket } from '@mcp-integration/client/react'
import { ConnectionStatus } from './ConnectionStatus'

interface Found {
  query: string
  items: { title: string; url?: string; snippet: string }[]
}

declare module '@mcp-integration/client/react' {
  interface MCPTools {
    web_search: { parameters: { query: string; numResults?: number; includeLinks?: boolean }; results: Found }
  }
}

export function SearchPage({ openAnew }: { openAnew: () => void }) {
  const [query, setQuery] = useState('')
  const [found, setFound] = useState<Found | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [loading, setLoading] = useState(false)
  const { authenticated, callTool, connect, snapshot } = useMCPWebSocket()

  const search = async (event: FormEvent) => {
    event.preventDefault()
    setLoading(true)
    setProblem(null)
    try {
      // Searching twice does no harm: a search that is lost with its connection is sent again.
      setFound(await callTool('web_search', { query, numResults: 5, includeLinks: true }, { idempotent: true }))
    } catch (error) {
      setProblem((error as Error).message)
    } finally {
      setLoading(false)
    }
  }

  return (
    <main>
      <header>
        <h1>Web Search</h1>
        <ConnectionStatus snapshot={snapshot} retry={() => connect().catch(openAnew)} />
      </header>

      <form role="search" onSubmit={search}>
        <input
          type="search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          placeholder="What are you looking for?"
          aria-label="Search query"
          // biome-ignore lint/a11y/noAutofocus: there is nothing else to do on this page
          autoFocus
        />
        <button type="submit" disabled={!authenticated || loading || query.trim() === ''}>
          {loading ? 'Searching…' : 'Search'}
        </button>
      </form>

      {problem && (
        <p className="problem" role="alert">
          The search failed: {problem}
        </p>
      )}
      {found && <Results {...found} />}
    </main>
  )
}

function Results({ query, items }: Found) {
  return (
    <section aria-label="Results">
      <h2>{items.length === 0 ? `Nothing was found for “${query}”` : `Results for “${query}”`}</h2>
      <ol>
        {items.map((item, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: results have no ids, and a new search replaces all of them
          <Result key={index} {...item} />
        ))}
      </ol>
    </section>
  )
}

function Result({ title, url = '', snippet }: Found['items'][number]) {
  const isOfTheWeb = /^https?:/.test(url)
  return (
    <li>
      <h3>
        {isOfTheWeb ? (
          <a href={url} target="_blank" rel="noopener noreferrer">
            {title}
          </a>
        ) : (
          title
        )}
      </h3>
      {/* Of a file its name: a page cannot open it. */}
      <cite>{isOfTheWeb ? url : url.slice(url.lastIndexOf('/') + 1)}</cite>
      <p>{snippet}</p>
    </li>
  )
}
