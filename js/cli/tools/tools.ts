/** `mcp-client tools`: the tools as a table, or as JSON that `--tools` reads. */
import { type CatalogueOptions, findCatalogue } from '../catalogue/find.js'
import type { Tool } from '../catalogue/tool.js'
import { oneLine, printableJson } from '../text.js'

export interface ToolsOptions extends CatalogueOptions {
  readonly json?: true
}

export async function tools(url: string | undefined, options: ToolsOptions): Promise<void> {
  const { tools: found } = await findCatalogue(options, url)
  const text = options.json ? printableJson(JSON.stringify(found.map(entryOf), null, 2)) : table(found)
  process.stdout.write(`${text}\n`)
}

/** As a tools file has it. */
function entryOf({ name, description, inputSchema, outputSchema, annotations }: Tool): object {
  return { name, description, inputSchema, outputSchema, annotations }
}

function table(found: readonly Tool[]): string {
  const rows = [HEAD, ...found.map((tool) => [oneLine(tool.name), parametersOf(tool), summaryOf(tool)] as const)]
  const widths = [0, 1].map((column) => Math.min(WIDEST, Math.max(...rows.map((row) => row[column]!.length))))
  return rows
    .map((row) => cut([row[0].padEnd(widths[0]!), row[1].padEnd(widths[1]!), row[2]].join('  ').trimEnd()))
    .join('\n')
}

/** Names of parameters; those that may be missing in brackets. */
function parametersOf({ inputSchema }: Tool): string {
  const { properties, required } = inputSchema as { properties?: object; required?: readonly string[] }
  if (properties === undefined) return '?'
  return Object.keys(properties)
    .map((name) => oneLine(required?.includes(name) ? name : `[${name}]`))
    .join(' ')
}

/** The first sentence or line. */
function summaryOf({ description = '' }: Tool): string {
  return oneLine(/^.*?(?:\.(?=\s)|$)/m.exec(description)?.[0] ?? '')
}

/** On a terminal a row is one line. */
function cut(line: string): string {
  const { isTTY, columns } = process.stdout
  return isTTY && line.length > columns ? `${line.slice(0, Math.max(columns - 1, 0))}…` : line
}

const HEAD = ['TOOL', 'PARAMETERS', 'DESCRIPTION'] as const
/** In characters: one long name must not push the other columns away. */
const WIDEST = 48
