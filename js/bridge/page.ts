/** The global scope, where it is a page: in Node.js it has no events. */
export const PAGE = globalThis as {
  readonly location?: { readonly href: string }
  addEventListener?(type: string, listener: (event: any) => void): void
  removeEventListener?(type: string, listener: (event: any) => void): void
}
