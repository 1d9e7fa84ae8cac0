/**
 * The core in a page, as the addon's JavaScript sees the one in the addon: js/native/binding.d.ts describes each
 * function. What a page has no need of is never asked for.
 */
import type { Binding, Item, Mailbox } from '../shared/client/binding.js'
import type { ModuleSource } from './module.js'
import { PageClient, type ItemSource, type PageMailbox as Notified } from './page-client.js'
import { holdProcess, nextTurn } from './turns.js'

/** The binding over the module from this source. */
export function bindingOver(source: ModuleSource): Binding {
  return {
    Mailbox: PageMailbox,
    NativeClient: class extends PageClient {
      constructor(mailbox: PageMailbox, id: number, options: string) {
        super(source, mailbox, id, options)
      }
    },
    requestFunction: () => (client: PageClient, slot, name, parameters, timeout, flags) =>
      client.request(slot, name, parameters, timeout, flags),
    flushFunction: () => (client: PageClient) => client.flush(),
  }
}

/** The items of all clients. */
class PageMailbox implements Mailbox, Notified {
  readonly #wake: (...item: Item) => void
  readonly #beginTurn: () => void
  readonly slotsOf: (client: number) => number[]
  /** Clients with items, in the order in which they got some. */
  readonly #waiting: ItemSource[] = []
  #willWake = false

  constructor(wake: (...item: Item) => void, beginTurn: () => void, slotsOf: (client: number) => number[]) {
    this.#wake = wake
    this.#beginTurn = beginTurn
    this.slotsOf = slotsOf
  }

  take(): Item | null {
    for (let client = this.#waiting[0]; client !== undefined; client = this.#waiting[0]) {
      const item = client.take()
      if (item !== null) {
        item[4] = item[4] || this.#waiting.length > 1
        return item
      }
      this.#waiting.shift()
    }
    return null
  }

  isEmpty(): boolean {
    return this.#waiting.every((client) => !client.hasItems)
  }

  hold(isHeld: boolean): void {
    holdProcess(isHeld)
  }

  /** The client has items. */
  note(client: ItemSource): void {
    if (!this.#waiting.includes(client)) this.#waiting.push(client)
  }

  /** Has the items taken. To be called in a task that nothing of the user's runs in. */
  deliver(): void {
    this.#beginTurn()
    const item = this.take()
    if (item !== null) this.#wake(...item)
  }

  deliverSoon(): void {
    if (this.#willWake) return
    this.#willWake = true
    nextTurn(() => {
      this.#willWake = false
      this.deliver()
    })
  }
}
