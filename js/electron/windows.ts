/** Notices when the page of a window is gone: of a process that was killed, the ports need not close. */

/** Of Electron's `WebContents` what is used. */
export interface SenderLike {
  readonly id: number
  on(event: any, listener: () => void): unknown
  off(event: any, listener: () => void): unknown
}

export class Windows {
  readonly #gone: (window: number) => void
  /** What ends the watching of each. */
  readonly #watched = new Map<SenderLike, () => void>()

  /** @param gone gets the id of the window whose page is gone; another page may be loaded into it */
  constructor(gone: (window: number) => void) {
    this.#gone = gone
  }

  /** However many ports a window has, it is listened to once. */
  watch(sender: SenderLike): void {
    if (this.#watched.has(sender)) return
    // What is destroyed has no id any more.
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
