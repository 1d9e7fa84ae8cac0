/** Text from elsewhere, made fit for a terminal. */

/** Control characters other than line feed and tab out: a server's text must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, '')
}

/** Everything on one line. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, ' ')).trim()
}
