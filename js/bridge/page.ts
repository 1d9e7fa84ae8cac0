/** The global scope, with what it has in a page. */
export const PAGE = globalThis as {
  readonly location?: { readonly href: string }
  addEventListener?(type: string, listener: (event: any) => void): void
  removeEventListener?(type: string, listener: (event: any) => void): void
}
