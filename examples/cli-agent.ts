/**
 * A small agent for the terminal: looks a question up, and where that gives too little, each word of it; then it says
 * what it has found.
 */
import { MCPClient, MCPError } from '@mcp-integration/client'

declare module '@mcp-integration/client' {
  interface MCPTools {
    web_search: {
      parameters: { query: string; numResults?: number }
      results: { items: { title: string; url?: string; snippet: string }[] }
    }
  }
}

const question = process.argv.slice(2).join(' ') || 'reconnect backoff'
const client = new MCPClient() // $MCP_WS_URL and $MCP_API_KEY say where, and with which key

// Looking something up twice does no harm, so a lost connection need not stop the agent.
const lookUp = (query: string) =>
  client.useTool('web_search', { query, numResults: 3 }, { idempotent: true, timeout: 10_000 })

try {
  let { items } = await lookUp(question)
  if (items.length < 3) {
    const more = await Promise.all(question.split(/\s+/).map(lookUp))
    items = [...items, ...more.flatMap((found) => found.items)]
  }
  const byTitle = new Map(items.map((item) => [item.title, item]))
  for (const { title, url, snippet } of byTitle.values()) console.log(`${title}\n  ${snippet}\n  ${url}\n`)
  console.log(`${byTitle.size} sources for "${question}"`)
} catch (error) {
  if (!(error instanceof MCPError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
} finally {
  await client.close()
}
