/** The catalogue for a command: the tools file's, or else the platform's. */
import { withClient } from '../connection.js'
import { type ServerOptions, clientOptions } from '../server-options.js'
import { oneLine } from '../text.js'
import { catalogueOfPlatform } from './platform.js'
import type { Catalogue } from './tool.js'

export interface CatalogueOptions extends ServerOptions {
  /** Path of a tools file. */
  readonly tools?: string
}

/**
 * A file that lists tools is all that counts; nothing is connected to then. The notes are printed on standard error.
 * @param url - the server as an argument of the command
 * @throws UsageError for a wrong file or option; Error if there are no tools, or the platform cannot be asked
 */
export async function findCatalogue(options: CatalogueOptions, url: string | undefined): Promise<Catalogue> {
  const connection = clientOptions(options, url)
  const file = options.tools === undefined ? undefined : await readFileCatalogue(options.tools)
  const catalogue = file?.tools.length ? file : await withClient(connection, (client) => catalogueOfPlatform(client))
  for (const note of catalogue.notes) process.stderr.write(`mcp-client: ${oneLine(note)}\n`)
  if (catalogue.source === undefined)
    throw new Error('the platform does not say which tools it has: describe them in a file, and name it with --tools')
  return catalogue
}

export async function readFileCatalogue(path: string): Promise<Catalogue> {
  // Its parser takes time to load.
  const { catalogueOfFile } = await import('./file.js')
  return await catalogueOfFile(path)
}
