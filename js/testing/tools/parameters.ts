/** Reads the parameters of a built-in tool. The error for a wrong one names the tool, the parameter and the remedy. */
import { ToolFailure } from '../tool-failure.js'

export class Parameters {
  readonly #tool: string
  readonly #path: string
  readonly #values: Readonly<Record<string, unknown>>

  /**
   * @param values - `undefined` and `null` count as `{}`
   * @param path - the place of `values` in the tool's parameters, for errors: `tavilyOptions.` for example
   */
  constructor(tool: string, values: unknown, path: string = '') {
    this.#tool = tool
    this.#path = path
    if (!isAbsent(values) && (typeof values !== 'object' || Array.isArray(values))) {
      throw this.#failure(path === '' ? 'the parameters' : `"${path.slice(0, -1)}"`, 'an object', values)
    }
    this.#values = (values ?? {}) as Record<string, unknown>
  }

  text(name: string): string {
    const value = this.#values[name]
    if (typeof value !== 'string' || value.trim() === '') throw this.#misfit(name, 'a string that is not empty')
    return value
  }

  optionalText(name: string): string | undefined {
    return isAbsent(this.#values[name]) ? undefined : this.text(name)
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#values[name] ?? fallback
    if (typeof value !== 'boolean') throw this.#misfit(name, 'true or false')
    return value
  }

  number(name: string, bounds: { min: number; max: number; fallback?: number }): number {
    const value = this.#values[name] ?? bounds.fallback
    if (typeof value !== 'number' || !(value >= bounds.min && value <= bounds.max)) {
      throw this.#misfit(name, `a number from ${bounds.min} to ${bounds.max}`)
    }
    return value
  }

  wholeNumber(name: string, bounds: { min: number; max: number; fallback?: number }): number {
    const value = this.number(name, bounds)
    if (!Number.isInteger(value)) throw this.#misfit(name, `a whole number from ${bounds.min} to ${bounds.max}`)
    return value
  }

  /** The parameters inside of a parameter. */
  nested(name: string): Parameters {
    return new Parameters(this.#tool, this.#values[name], `${this.#path}${name}.`)
  }

  #misfit(name: string, expected: string): ToolFailure {
    return this.#failure(`"${this.#path}${name}"`, expected, this.#values[name])
  }

  #failure(what: string, expected: string, value: unknown): ToolFailure {
    return new ToolFailure(`${this.#tool}: ${what} must be ${expected}, ${butIs(value)}`, 'BAD_PARAMETERS')
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

function butIs(value: unknown): string {
  if (isAbsent(value)) return 'but is missing'
  if (typeof value === 'string') return value.trim() === '' ? 'but is empty' : 'not a string'
  if (typeof value === 'object') return Array.isArray(value) ? 'not an array' : 'not an object'
  return `not ${String(value)}`
}
