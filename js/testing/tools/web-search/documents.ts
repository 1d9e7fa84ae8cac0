/** Finds and reads the documents of a folder. Files that cannot be read are ignored, so that the others are found. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseHtml } from './html.js'
import { parseMarkdown } from './markdown.js'
import { tidy, type Page } from './page.js'

export interface Document extends Page {
  /** `file:` URL, without a fragment. */
  readonly url: string
}

/** The documents of a folder and its subfolders, in the order of their paths. */
export async function documentsIn(folder: string): Promise<readonly Document[]> {
  return readAll(folder, await filesUnder(folder))
}

/** This package's own documents. */
export async function documentsOfPackage(): Promise<readonly Document[]> {
  // This module is always bundled into dist/testing/main.js, so it finds itself two folders below the package's. In a
  // bundle of users that is an ES module there is no `__dirname`, and no documents are beside it.
  if (typeof __dirname === 'undefined') return []
  const folder = join(__dirname, '../..')
  const top = ['README.md', 'PROTOCOL.md', 'CHANGELOG.md'].map((name) => join(folder, name))
  return readAll(folder, [...top, ...(await filesUnder(join(folder, 'docs')))])
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    if (entry.isDirectory()) found.push(...(await filesUnder(path)))
    else if (entry.isFile() && PARSERS.has(extname(entry.name).toLowerCase())) found.push(path)
  }
  return found
}

async function readAll(folder: string, paths: readonly string[]): Promise<readonly Document[]> {
  const documents: Document[] = []
  // One after the other, because a large folder could exhaust the file descriptors of the process.
  for (const path of paths) {
    const document = await read(folder, path).catch(() => undefined)
    if (document) documents.push(document)
  }
  return documents
}

async function read(folder: string, path: string): Promise<Document | undefined> {
  if ((await stat(path)).size > MAX_FILE_BYTES) return undefined
  const parse = PARSERS.get(extname(path).toLowerCase()) ?? parseText
  const page = parse(await readFile(path, 'utf8'), relative(folder, path).replaceAll(sep, '/'))
  return { ...page, url: pathToFileURL(path).href }
}

function parseText(source: string, title: string): Page {
  return { title, sections: [{ title, anchor: '', text: tidy(source), code: '' }] }
}

const PARSERS: ReadonlyMap<string, (source: string, fallbackTitle: string) => Page> = new Map([
  ['.md', parseMarkdown],
  ['.markdown', parseMarkdown],
  ['.txt', parseText],
  ['.html', parseHtml],
  ['.htm', parseHtml],
])

/** Documents are smaller; larger files would take too long to index. */
const MAX_FILE_BYTES = 8 * 1024 * 1024
