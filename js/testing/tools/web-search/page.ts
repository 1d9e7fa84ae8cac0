/** A document in sections, without formatting: what is searched and shown. */
export interface Page {
  readonly title: string
  readonly sections: readonly Section[]
}

export interface Section {
  /** The heading; the page's title if there is none above. */
  readonly title: string
  /** The URL fragment of the heading; '' for the top of the page. */
  readonly anchor: string
  readonly text: string
  /** Blocks of code, which are searched too, but are less helpful to a reader than the text. */
  readonly code: string
}

/** The text on one line, with single spaces. */
export function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
