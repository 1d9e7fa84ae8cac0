/** Detects that the page of a window is gone. The ports of a renderer that was killed do not always close. */

/** The part of Electron's `WebContents` that is used. */
export interface SenderLike {
  /** Identifies the window. */
  readonly id: number
  /** Adds a listener. */
  on(event: any, listener: () => void): unknown
  /** Removes a listener. */
  off(event: any, listener: () => void): unknown
}

export class Windows {
  readonly #gone: (window: number) => void
  /** Functions that remove the listeners of each. */
  readonly #watched = new Map<SenderLike, () => void>()

  /** @param gone is called with the id of a window whose page is gone; the window may load another page */
  constructor(gone: (window: number) => void) {
    this.#gone = gone
  }

  /** A window has one set of listeners, however many ports it has. */
  watch(sender: SenderLike): void {
    if (this.#watched.has(sender)) return
    // It has no id any more when it is destroyed.
    const { id } = sender
    const stop = () => {
      sender.off('render-process-gone', crash)
      sender.off('destroyed', destroy)
      this.#watched.delete(sender)
    }
    const crash = () => this.#gone(id)
    const destroy = () => {
      stop()
      this.#gone(id)
    }
    sender.on('render-process-gone', crash)
    sender.on('destroyed', destroy)
    this.#watched.set(sender, stop)
  }

  close(): void {
    for (const stop of this.#watched.values()) stop()
  }
}
