/** `node:assert/strict` in a page: as much of it as the tests use. */

class AssertionError extends Error {
  name = 'AssertionError'
}

export function fail(message = 'failed') {
  throw message instanceof Error ? message : new AssertionError(message)
}

export function ok(value, message) {
  if (!value) fail(message ?? `${shown(value)} is not true`)
}

export function equal(actual, expected, message) {
  if (!Object.is(actual, expected)) fail(message ?? `${shown(actual)} is not ${shown(expected)}`)
}

export function notEqual(actual, unexpected, message) {
  if (Object.is(actual, unexpected)) fail(message ?? `${shown(actual)} is what it should not be`)
}

export function deepEqual(actual, expected, message) {
  if (!isDeepEqual(actual, expected))
    fail(message ?? `not deep-equal:\nactual   ${shown(actual)}\nexpected ${shown(expected)}`)
}

export function notDeepEqual(actual, unexpected, message) {
  if (isDeepEqual(actual, unexpected)) fail(message ?? `${shown(actual)} is deep-equal to what it should not be`)
}

export function match(text, pattern, message) {
  if (typeof text !== 'string' || !pattern.test(text)) fail(message ?? `${shown(text)} does not match ${pattern}`)
}

export function doesNotMatch(text, pattern, message) {
  if (pattern.test(text)) fail(message ?? `${shown(text)} matches ${pattern}`)
}

export function throws(act, expected, message) {
  let thrown
  try {
    act()
  } catch (error) {
    thrown = { error }
  }
  if (thrown === undefined) fail(message ?? 'nothing was thrown')
  checkError(thrown.error, expected, message)
}

export async function rejects(promise, expected, message) {
  let thrown
  try {
    await (typeof promise === 'function' ? promise() : promise)
  } catch (error) {
    thrown = { error }
  }
  if (thrown === undefined) fail(message ?? 'it was not rejected')
  checkError(thrown.error, expected, message)
}

export function doesNotThrow(act) {
  act()
}

/** @param expected a class, a pattern of the error's text, a function, or properties */
function checkError(error, expected, message) {
  if (expected === undefined) return
  if (expected instanceof RegExp) return match(String(error), expected, message)
  if (typeof expected !== 'function') return checkProperties(error, expected, message)
  if (expected.prototype instanceof Error || expected === Error)
    return ok(error instanceof expected, message ?? `${shown(error)} is no ${expected.name}`)
  equal(expected(error), true, message ?? `the check of ${shown(error)} did not return true`)
}

function checkProperties(error, expected, message) {
  for (const [name, value] of [...Object.entries(expected), ...ownWords(expected)]) {
    if (value instanceof RegExp && typeof error[name] === 'string') match(error[name], value, message)
    else deepEqual(error[name], value, message)
  }
}

/** What is not enumerable in an error that stands for what is expected. */
function ownWords(expected) {
  return expected instanceof Error ? [['message', expected.message]] : []
}

function isDeepEqual(one, other) {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false
  if (one instanceof Date) return one.getTime() === other.getTime()
  if (one instanceof RegExp) return String(one) === String(other)
  if (one instanceof Error && (one.message !== other.message || one.name !== other.name)) return false
  if (one instanceof Map) return isDeepEqual([...one], [...other])
  if (one instanceof Set) return one.size === other.size && [...one].every((value) => other.has(value))
  const [keys, others] = [one, other].map((object) => Reflect.ownKeys(object).filter((key) => isShown(object, key)))
  return keys.length === others.length && keys.every((key) => others.includes(key) && isDeepEqual(one[key], other[key]))
}

function isShown(object, key) {
  return Object.getOwnPropertyDescriptor(object, key).enumerable
}

function shown(value) {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const text = JSON.stringify(value, (_, inner) => {
    if (typeof inner === 'bigint' || typeof inner === 'symbol') return String(inner)
    if (typeof inner === 'function') return `function ${inner.name}`
    if (inner === undefined || (typeof inner === 'number' && !Number.isFinite(inner))) return `<${inner}>`
    return inner instanceof Error ? `<${inner.name}: ${inner.message}>` : inner
  })
  return String(text).slice(0, 2_000)
}

export { equal as strictEqual, deepEqual as deepStrictEqual }

export default Object.assign(ok, {
  deepEqual,
  doesNotMatch,
  doesNotThrow,
  equal,
  fail,
  match,
  notDeepEqual,
  notEqual,
  ok,
  rejects,
  throws,
})
