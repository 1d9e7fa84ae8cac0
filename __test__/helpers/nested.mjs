/** A value that is nested too deeply for JSON.stringify() of every Node.js: newer ones write arrays of any depth. */
export function tooDeep() {
  let value = 0
  for (let level = 0; level < 100_000; level++) {
    const inner = value
    value = { toJSON: () => [inner] }
  }
  return value
}
