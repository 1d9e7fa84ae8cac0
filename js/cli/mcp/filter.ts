/** Which tools are offered: those that an `--allow` names, if there is one, and no `--deny`. */
import type { Tool } from '../catalogue/tool.js'

export interface FilterOptions {
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

export class Filter {
  readonly #allow: readonly RegExp[] | undefined
  readonly #deny: readonly RegExp[]

  constructor({ allow, deny = [] }: FilterOptions) {
    this.#allow = allow?.map(patternOf)
    this.#deny = deny.map(patternOf)
  }

  /** Both names of a tool are looked at. */
  admits({ name, hostName }: Tool): boolean {
    const fits = (pattern: RegExp) => pattern.test(name) || pattern.test(hostName)
    return (this.#allow?.some(fits) ?? true) && !this.#deny.some(fits)
  }
}

function patternOf(name: string): RegExp {
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  // Neighbouring stars are one: it then takes no longer than the name is long, squared.
  return new RegExp(`^${name.split(/\*+/).map(literal).join('.*')}$`, 's')
}
