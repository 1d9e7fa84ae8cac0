/**
 * The tools that hosts are offered: those of the tools file, or else what the platform says, which is asked whenever
 * the client is connected anew, and when it says something else.
 */
import { EventEmitter, once } from 'node:events'
import { shown } from '../catalogue/make.js'
import { catalogueOfPlatform } from '../catalogue/platform.js'
import type { Catalogue, Tool } from '../catalogue/tool.js'
import type { Filter } from './filter.js'
import type { Log } from './log.js'
import { BETWEEN_DIALS_MS, type Platform } from './platform.js'

interface ToolboxEvents {
  /** Hosts must be told that there are other tools. */
  change: []
  /** A question to the platform is answered, or there will be no answer for now. */
  news: []
}

export class Toolbox extends EventEmitter<ToolboxEvents> {
  readonly #platform: Platform
  readonly #filter: Filter
  readonly #log: Log
  readonly #file: Catalogue | undefined
  /** By their names for hosts; `undefined` until they are known. */
  #tools: ReadonlyMap<string, Tool> | undefined
  /** The list that hosts were given last. */
  #told: string | undefined
  #asking: Promise<void> | undefined
  /** What the log has already. */
  readonly #noted = new Set<string>()

  constructor(platform: Platform, file: Catalogue | undefined, filter: Filter, log: Log) {
    super()
    this.#platform = platform
    this.#filter = filter
    this.#log = log
    this.#file = file?.tools.length ? file : undefined
    if (this.#file !== undefined) this.#take(this.#file)
    platform.on('ready', () => void this.#ask())
    platform.on('schemas', () => void this.#ask())
    platform.on('stop', () => this.#waitForNews())
  }

  /**
   * The tools that are known. If none are yet, connects and waits for the first, but not as long as hosts do: then the
   * list is empty, and a 'change' follows.
   */
  async list(): Promise<readonly Tool[]> {
    if (this.#tools === undefined) await this.#first()
    const tools = [...(this.#tools?.values() ?? [])]
    this.#told = JSON.stringify(tools)
    return tools
  }

  /** Waits as `list` does; 'unknown' if it is not known which tools there are. */
  async find(hostName: string): Promise<Tool | 'none' | 'unknown'> {
    if (this.#tools === undefined) await this.#first()
    return this.#tools === undefined ? 'unknown' : (this.#tools.get(hostName) ?? 'none')
  }

  async #first(): Promise<void> {
    try {
      this.#platform.wake()
    } catch {
      // It has been tried just now.
      return
    }
    if (this.#platform.isReady) void this.#ask()
    await once(this, 'news', { signal: AbortSignal.timeout(FIRST_LIST_MS) }).catch(() => {})
  }

  /** One question at a time. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askNow().finally(() => {
      this.#asking = undefined
      this.emit('news')
    })
    return this.#asking
  }

  async #askNow(): Promise<void> {
    try {
      const catalogue = await catalogueOfPlatform(this.#platform.client, { timeout: QUESTION_MS })
      if (this.#file !== undefined) this.#noteOthers(catalogue)
      else if (catalogue.source !== undefined || this.#tools === undefined) this.#take(catalogue)
    } catch (error) {
      this.#log.write('info', `the platform has not said which tools it has: ${(error as Error).message}`)
    }
  }

  /** As long as no tool is known no host can call one, and so connect anew. */
  #waitForNews(): void {
    this.emit('news')
    if (this.#tools !== undefined) return
    setTimeout(() => this.#tools ?? this.#platform.tryToWake(), BETWEEN_DIALS_MS + 1).unref()
  }

  #take({ source, tools, notes }: Catalogue): void {
    for (const note of notes) this.#note(note)
    for (const { name, hostName } of tools) {
      if (name !== hostName) this.#note(`MCP does not allow the name ${shown(name)}: hosts see ${hostName}`)
    }
    if (source === undefined)
      this.#note('the platform does not say which tools it has: describe them in a file, and name it with --tools')
    for (const name of this.#filter.namesOfNone(tools)) this.#note(`there is no tool ${shown(name)} to allow or deny`)
    const admitted = tools.filter((tool) => this.#filter.admits(tool))
    const next = new Map(admitted.map((tool) => [tool.hostName, tool]))
    this.#tools = next
    if (this.#told !== undefined && this.#told !== JSON.stringify(admitted)) this.emit('change')
  }

  /** The file is all that counts; what else the platform has is said once. */
  #noteOthers({ tools }: Catalogue): void {
    const listed = new Set(this.#file?.tools.map(({ name }) => name))
    const others = tools.filter(({ name }) => !listed.has(name)).map(({ name }) => shown(name))
    if (others.length > 0) this.#note(`left out, because the tools file does not have them: ${others.join(', ')}`)
  }

  #note(note: string): void {
    if (this.#noted.has(note) || this.#noted.size >= MOST_NOTES) return
    this.#noted.add(note)
    this.#log.write('warning', note)
  }
}

/** Hosts wait for 60 s at most, some for 10 s. */
const FIRST_LIST_MS = 8_000
const QUESTION_MS = 10_000
const MOST_NOTES = 1_000
