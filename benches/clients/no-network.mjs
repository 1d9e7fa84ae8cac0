/**
 * Not a client but a lower bound: it serializes the request, and in the next turn of the event loop parses a prepared
 * answer and resolves the promise. This is what any client costs in JavaScript when its network costs nothing; with
 * large results, it is `JSON.parse` alone.
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
    // Large results are parsed one per turn of the event loop.
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

  /** Large texts are the same for every call: building them would be measured too. */
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

/** The same text as one flat string, as it is decoded from a frame. */
function flat(text) {
  return Buffer.from(text).toString()
}
