/**
 * Values of another realm: test runners run code in contexts of `node:vm`, where what Node.js and native code make is
 * no instance of the classes there. Needs nothing of Node.js: pages use it too.
 */

/** Whether it is an Error, of whichever realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || ERRORS.has(Object.prototype.toString.call(value))
}

/** Whether it is a `URL`, of whichever realm or implementation. */
export function isUrl(value: unknown): value is URL {
  return value instanceof URL || Object.prototype.toString.call(value) === '[object URL]'
}

/** Whether it is a `Date`, of whichever realm. */
export function isDate(value: unknown): value is Date {
  try {
    getTime.call(value as Date)
    return true
  } catch {
    return false
  }
}

/** What can be said of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  if (isError(thrown)) return thrown.message
  // What has no text of its own cannot be made one by `String`.
  return Object(thrown) === thrown && Object.getPrototypeOf(thrown) === null ? typeof thrown : String(thrown)
}

const { getTime } = Date.prototype

const ERRORS = new Set(['[object Error]', '[object DOMException]'])
