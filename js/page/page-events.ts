/** The news that a page may be on another network, or was away for a while. PROTOCOL.md rule 19. */

interface Target {
  addEventListener(type: string, listener: (event: { type: string }) => void): void
  removeEventListener(type: string, listener: (event: { type: string }) => void): void
}

interface Page extends Partial<Target> {
  readonly document?: (Target & { readonly visibilityState: string }) | undefined
}

/**
 * Calls `changed` when the page is online again, comes back from a cache, or becomes visible. Workers have the first of
 * these only, other runtimes none.
 * @returns what ends that
 */
export function watchPage(changed: () => void): () => void {
  const page = globalThis as Page
  const { document } = page
  const seen = (): void => {
    if (document?.visibilityState === 'visible') changed()
  }
  const watched: [target: Partial<Target> | undefined, type: string, listener: () => void][] = [
    [page, 'online', changed],
    [page, 'pageshow', changed],
    [document, 'visibilitychange', seen],
  ]
  for (const [target, type, listener] of watched) target?.addEventListener?.(type, listener)
  return () => {
    for (const [target, type, listener] of watched) target?.removeEventListener?.(type, listener)
  }
}
