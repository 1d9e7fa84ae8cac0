/**
 * A yardstick and no client: it writes the request as JSON, and in the next turn of the loop parses a prepared answer
 * and resolves the promise. What is left of any client in JavaScript when its network costs nothing; and, with large
 * results, `JSON.parse` alone.
 */
import { itemsText } from '../workloads/expected.mjs'

export function load() {}

export async function connect() {
  const texts = new Map()
  const waiting = []
  let isQueued = false

  function call(parameters) {
    return new Promise((resolve) => {
      waiting.push({
        request: JSON.stringify({ id: `req_${parameters.n}`, name: 'bench', parameters }),
        parameters,
        resolve,
      })
      if (isQueued) return
      isQueued = true
      setImmediate(answer)
    })
  }

  function answer() {
    isQueued = false
    // A large result leaves the loop its turn after each.
    const count = waiting[0].parameters.bytes > 10_000 ? 1 : waiting.length
    for (const { parameters, resolve } of waiting.splice(0, count)) {
      const { results } = JSON.parse(textOf(parameters))
      results.n = parameters.n
      resolve(results)
    }
    if (waiting.length === 0 || isQueued) return
    isQueued = true
    setImmediate(answer)
  }

  /** A large one is the same for each call: in joining it anew, the yardstick would measure itself. */
  function textOf({ n, bytes, kind }) {
    const key = `${bytes} ${kind}`
    if (!texts.has(key))
      texts.set(key, bytes > 10_000 ? flat(answerText(-1, itemsText(bytes, kind))) : itemsText(bytes, kind))
    return bytes > 10_000 ? texts.get(key) : answerText(n, texts.get(key))
  }

  return { call, close() {} }
}

function answerText(n, items) {
  return `{"id":"req_${n}","results":{"n":${n},"items":${items}}}`
}

/** The same text in one piece, in the form in which a frame arrives. */
function flat(text) {
  return Buffer.from(text).toString()
}
