/** A document cut at its headings, formatting taken away: what is searched and shown. */
export interface Page {
  readonly title: string
  readonly sections: readonly Section[]
}

export interface Section {
  /** The heading; the page's title where there is none above. */
  readonly title: string
  /** The fragment that leads to the heading, '' for the top of the page. */
  readonly anchor: string
  readonly text: string
  /** Blocks of code, apart from the text: they are searched, but say less to a reader. */
  readonly code: string
}

/** One line of words: what is left of white space is single spaces. */
export function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
