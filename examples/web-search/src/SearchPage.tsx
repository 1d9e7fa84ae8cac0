/** The guide's WebSearchComponent, with the state of the connection around it. */
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { useMCPWebSocket } from '@mcp-integration/client/react'
import { ConnectionStatus } from './ConnectionStatus'
import { ErrorBoundary } from './ErrorBoundary'
import { readFound, type Found, type FoundItem } from './found'

declare module '@mcp-integration/client/react' {
  interface MCPTools {
    // Servers differ in what they send: readFound() makes sure of it.
    web_search: { parameters: { query: string; numResults?: number; includeLinks?: boolean }; results: unknown }
  }
}

export function SearchPage({ openAnew }: { openAnew: () => void }) {
  const [query, setQuery] = useState('')
  const [found, setFound] = useState<Found | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [loading, setLoading] = useState(false)
  const [wasRefused, setWasRefused] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const { authenticated, callTool, connect, snapshot } = useMCPWebSocket()
  const canSearch = authenticated && !loading && query.trim() !== ''

  useEffect(() => {
    if (authenticated) setWasRefused(false)
  }, [authenticated])

  const search = async (event: FormEvent) => {
    event.preventDefault()
    setProblem(null)
    setWasRefused(!authenticated)
    if (!canSearch) return
    setLoading(true)
    try {
      // Searching twice does no harm: a search that is lost with its connection is sent again.
      const results = await callTool('web_search', { query, numResults: 5, includeLinks: true }, { idempotent: true })
      setFound(readFound(results, query))
    } catch (error) {
      // What an earlier search has found would be taken for the answer to this one.
      setFound(null)
      setProblem((error as Error).message)
    } finally {
      setLoading(false)
    }
  }

  return (
    <main>
      <header>
        <h1>Web Search</h1>
        <ConnectionStatus snapshot={snapshot} retry={() => connect().catch(openAnew)} next={field} />
      </header>

      <form role="search" onSubmit={search}>
        <input
          ref={field}
          type="search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          placeholder="Search for …"
          aria-label="Search query"
          // biome-ignore lint/a11y/noAutofocus: there is nothing else to do on this page
          autoFocus
        />
        {/* A button that is `disabled` loses the focus to the page. */}
        <button type="submit" aria-disabled={!canSearch}>
          {loading ? 'Searching…' : 'Search'}
        </button>
      </form>

      {/* It is always there: what is put into it later is read out by screen readers. */}
      <div role="status" aria-label="Search">
        {wasRefused && <p>Nothing was searched: there is no connection.</p>}
        {loading ? <p>Searching…</p> : found && <h2>{titleOf(found)}</h2>}
      </div>
      {problem && (
        <p className="problem" role="alert">
          The search failed: {problem}
        </p>
      )}
      {found && (
        <ErrorBoundary what="The results" of={found}>
          <Results items={found.items} areOld={loading} />
        </ErrorBoundary>
      )}
    </main>
  )
}

function titleOf({ query, items: { length } }: Found): string {
  if (length === 0) return `Nothing was found for “${query}”`
  return `${length} ${length === 1 ? 'result' : 'results'} for “${query}”`
}

function Results({ items, areOld }: { items: FoundItem[]; areOld: boolean }) {
  return (
    <ol aria-label="Results" aria-busy={areOld}>
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: results have no ids, and a new search replaces all of them
        <Result key={index} {...item} />
      ))}
    </ol>
  )
}

function Result({ title, url, snippet }: FoundItem) {
  const isOfTheWeb = /^https?:\/\//.test(url)
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
