/** Makes text from elsewhere safe for a terminal. */

/**
 * Without control characters except line feed and tab, and without those that change the direction of writing: a
 * server must neither control the terminal nor make text look different from what it is.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '')
}

/** Everything on one line. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, ' ')).trim()
}

/** The same JSON, with such characters escaped in its strings. */
export function printableJson(json: string): string {
  // Between values a carriage return is white space; in a string it is not allowed.
  return json.replaceAll('\r', ' ').replace(UNPRINTABLE, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** C0 without line feed and tab, DEL, C1; the marks, embeddings, overrides and isolates of bidirectional text. */
const UNPRINTABLE = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g
