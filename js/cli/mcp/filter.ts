/** Which tools are offered: those that an `--allow` names, if there is one, and no `--deny`. */
import type { Tool } from '../catalogue/tool.js'

export interface FilterOptions {
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

export class Filter {
  readonly #allow: readonly Name[] | undefined
  readonly #deny: readonly Name[]

  constructor({ allow, deny = [] }: FilterOptions) {
    this.#allow = allow?.map((name) => new Name(name))
    this.#deny = deny.map((name) => new Name(name))
  }

  admits(tool: Tool): boolean {
    const isNamed = (names: readonly Name[]) => names.some((name) => name.fits(tool))
    return (this.#allow === undefined || isNamed(this.#allow)) && !isNamed(this.#deny)
  }

  /** Those that fit none of these tools. */
  namesOfNone(tools: readonly Tool[]): readonly string[] {
    const names = [...(this.#allow ?? []), ...this.#deny]
    return names.filter((name) => !tools.some((tool) => name.fits(tool))).map(({ text }) => text)
  }
}

/** What a name on the command line stands for: `*` is any characters. */
class Name {
  readonly text: string
  readonly #pattern: RegExp

  constructor(text: string) {
    this.text = text
    const literal = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    this.#pattern = new RegExp(`^${text.split(/\*+/).map(literal).join('.*')}$`, 's')
  }

  /** Both names of a tool are looked at. */
  fits({ name, hostName }: Tool): boolean {
    return this.#pattern.test(name) || this.#pattern.test(hostName)
  }
}
