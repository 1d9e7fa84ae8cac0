/** The results of calls as MCP has them. Long ones are cut; the whole is kept as resources for a while. */
import type { CallToolResult, ReadResourceResult, Resource } from '@modelcontextprotocol/server'
import { printable, printableJson } from '../text.js'

export class Results {
  readonly #longest: number
  /** Long results by their numbers, in parts, oldest first. */
  readonly #kept = new Map<number, readonly string[]>()
  #count = 0

  /** @param longest - in characters; longer results are cut */
  constructor(longest: number) {
    this.#longest = longest
  }

  /**
   * @param json - of the results, in UTF-8; empty if there are none
   * @param mayLink - whether the host knows links to resources, which came in June 2025
   */
  resultOf(json: Buffer, mayLink: boolean): CallToolResult {
    if (json.length === 0) return { content: [{ type: 'text', text: 'Done: the tool answered without results.' }] }
    const source = json.toString()
    // Only a text or a short value is parsed: the rest of a long one is not looked at.
    const isText = source.startsWith('"')
    const text = isText ? printable(JSON.parse(source) as string) : printableJson(source)
    if (text.length > this.#longest) return this.#cut(text, isText ? 'text/plain' : 'application/json', mayLink)
    const value: unknown = isText ? undefined : JSON.parse(source)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return {
      content: [{ type: 'text', text }],
      ...(isObject && { structuredContent: value as Record<string, unknown> }),
    }
  }

  /** What can be read. */
  list(): Resource[] {
    return [...this.#kept].flatMap(([number, parts]) =>
      parts.map((part, index) => ({
        uri: uriOf(number, index),
        name: `result ${number}, part ${index + 1} of ${parts.length}`,
        mimeType: 'text/plain',
        size: Buffer.byteLength(part),
      })),
    )
  }

  /** `undefined` if it is not kept any more, or never was. */
  read(uri: string): ReadResourceResult | undefined {
    const [, number, part] = /^mcp-client:\/\/results\/(\d+)\/(\d+)$/.exec(uri) ?? []
    const text = this.#kept.get(Number(number))?.[Number(part) - 1]
    return text === undefined ? undefined : { contents: [{ uri, mimeType: 'text/plain', text }] }
  }

  #cut(text: string, mimeType: string, mayLink: boolean): CallToolResult {
    const number = this.#keep(text)
    const parts = this.#kept.get(number)?.length ?? 0
    const shownPart = beginningOf(text, this.#longest)
    const links = parts <= MOST_LINKS && mayLink ? parts : 0
    return {
      content: [
        { type: 'text', text: `${shownPart}\n\n${noteOf(shownPart.length, text.length, number, parts)}` },
        ...Array.from({ length: links }, (_, index) => ({
          type: 'resource_link' as const,
          uri: uriOf(number, index),
          name: `result ${number}, part ${index + 1} of ${parts}`,
          mimeType: parts === 1 ? mimeType : 'text/plain',
        })),
      ],
    }
  }

  /** A result that is longer than all that is kept together is not kept. */
  #keep(text: string): number {
    this.#count += 1
    if (text.length > MOST_KEPT) return this.#count
    const parts: string[] = []
    for (let rest = text; rest !== ''; rest = rest.slice(parts.at(-1)!.length)) parts.push(beginningOf(rest, PART))
    this.#kept.set(this.#count, parts)
    let kept = [...this.#kept.values()].flat().reduce((sum, part) => sum + part.length, 0)
    for (const [number, old] of this.#kept) {
      if (kept <= MOST_KEPT && this.#kept.size <= MOST_RESULTS) break
      this.#kept.delete(number)
      kept -= old.reduce((sum, part) => sum + part.length, 0)
    }
    return this.#count
  }
}

/** At most so long, and no character is cut in two. */
function beginningOf(text: string, longest: number): string {
  const beginning = text.slice(0, longest)
  const isCutInTwo = /[\uD800-\uDBFF]$/.test(beginning) && longest > 1 && text.length > longest
  return isCutInTwo ? beginning.slice(0, -1) : beginning
}

function noteOf(shown: number, all: number, number: number, parts: number): string {
  const cut = `[Cut: these are the first ${shown} of ${all} characters.`
  if (parts === 0) return `${cut} The rest is too long to be kept.]`
  const where = parts === 1 ? `the resource ${uriOf(number, 0)}` : `the resources ${uriOf(number, 0)} to ${parts}`
  return `${cut} The whole is ${where}, for as long as there are not many more such results.]`
}

function uriOf(number: number, index: number): string {
  return `mcp-client://results/${number}/${index + 1}`
}

/** Characters of a resource: a host may refuse a message of more than 10 MB. */
const PART = 1024 * 1024
/** Characters of all results that are kept. */
const MOST_KEPT = 128 * 1024 * 1024
const MOST_RESULTS = 16
const MOST_LINKS = 8
