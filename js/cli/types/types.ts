/** `mcp-client types`: a declaration of the platform's tools, for TypeScript. */
import { findCatalogue, type CatalogueOptions } from '../catalogue/find.js'
import { oneLine } from '../text.js'
import { readText } from '../text-files.js'
import { declarationsOf } from './declarations.js'

export interface TypesOptions extends CatalogueOptions {
  /** A path; `true` for the default. */
  readonly check?: string | true
}

export async function types(url: string | undefined, options: TypesOptions): Promise<void> {
  const { text, notes } = await declarationsOf(await findCatalogue(options, url))
  for (const note of notes) process.stderr.write(`mcp-client: ${oneLine(note)}\n`)
  if (options.check === undefined) process.stdout.write(text)
  else await check(text, options.check === true ? DEFAULT_FILE : options.check)
}

async function check(text: string, path: string): Promise<void> {
  const found = (await readText(path)).replaceAll('\r\n', '\n')
  if (found !== text) throw new Error(`${path} is not up to date: write it again, with mcp-client types > ${path}`)
}

const DEFAULT_FILE = 'mcp-tools.d.ts'
