/** `web_search` like that of the platform, but over a folder of documents instead of the web: it works offline. */
import { documentsIn, documentsOfPackage } from './documents.js'
import { SearchIndex } from './search-index.js'
import { ToolFailure } from '../../tool-failure.js'
import type { BuiltInTool } from '../../toolbox.js'
import { Parameters } from '../parameters.js'

/** @param folder - left out, this package's own documents */
export function webSearch(folder: string | undefined): BuiltInTool {
  const index = lazily(() => buildIndex(folder))
  return {
    name: 'web_search',
    description: 'Searches a folder of documents.',
    parameters: {
      type: 'object',
      properties: {
        query: { type: 'string' },
        numResults: { type: 'integer', minimum: 1, maximum: MAX_RESULTS, default: DEFAULT_RESULTS },
        includeLinks: { type: 'boolean', default: true },
        provider: { type: 'string' },
        tavilyOptions: { type: 'object', properties: { includeAnswer: { type: 'boolean', default: false } } },
      },
      required: ['query'],
    },
    run: async (parameters) => search(readParameters(parameters), await index()),
  }
}

interface SearchParameters {
  readonly query: string
  readonly numResults: number
  readonly includeLinks: boolean
  readonly includeAnswer: boolean
}

function readParameters(parameters: unknown): SearchParameters {
  const read = new Parameters('web_search', parameters)
  // The provider has no effect here, but anything other than a name is a mistake.
  read.optionalText('provider')
  return {
    query: read.text('query'),
    numResults: read.wholeNumber('numResults', { min: 1, max: MAX_RESULTS, fallback: DEFAULT_RESULTS }),
    includeLinks: read.flag('includeLinks', true),
    includeAnswer: read.nested('tavilyOptions').flag('includeAnswer', false),
  }
}

function search({ query, numResults, includeLinks, includeAnswer }: SearchParameters, index: SearchIndex): object {
  const { total, hits } = index.search(query, numResults)
  const items = hits.map(({ title, url, snippet }) => (includeLinks ? { title, url, snippet } : { title, snippet }))
  if (!includeAnswer) return { query, total, items }
  return { query, total, answer: items[0]?.snippet ?? null, items }
}

async function buildIndex(folder: string | undefined): Promise<SearchIndex> {
  const documents = folder === undefined ? await documentsOfPackage() : await documentsIn(folder)
  if (documents.length === 0) {
    const where =
      folder === undefined ? 'the package has no documents beside it' : `${folder} has no .md, .txt or .html files`
    throw new ToolFailure(
      `web_search: nothing to search: ${where}. Give the server a folder with the option "docs"`,
      'NO_DOCUMENTS',
    )
  }
  return SearchIndex.of(documents)
}

/** Calls `make` once and keeps its result; after a failure the next call tries again. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}

const DEFAULT_RESULTS = 5
const MAX_RESULTS = 50
