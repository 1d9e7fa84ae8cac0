/** JSON.parse is the law: what the client makes of a message is held against it, text by text. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { inbox, next, ready } from './helpers/client.mjs'
import { envelopeText, jsonText, mutated, randomOf } from './helpers/random-json.mjs'
import { listen } from './helpers/test-server.mjs'

/** What V8 reads, or `undefined` where it reads nothing. */
function parse(text) {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/**
 * Sends the text that `textOf` makes for each of `count` calls, and after it a proper answer. Checks what V8 thinks of
 * it: the 'message' or the BAD_MESSAGE, and what the call is settled with.
 */
async function holdAgainstV8(t, count, textOf) {
  const server = await listen(t)
  const client = await ready(t, server)
  const heard = []
  client.on('message', (message) => heard.push({ message }))
  client.on('error', ({ code }) => heard.push({ code }))
  server.intercept((frame, connection) => {
    const { id, parameters: index } = JSON.parse(frame)
    texts[index] = textOf(id, index)
    ids[index] = id
    connection.send(texts[index])
    return connection.send(`{"id":"${id}","results":"${PROPER}"}`)
  })
  const [texts, ids] = [[], []]
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      client.useTool('any', index, { timeout: 0 }).then(
        (results) => ({ results }),
        (error) => ({ error }),
      ),
    ),
  )
  // The proper answer of the last call may be late, and is told after it.
  while (heard.length < 2 * count) await next(client, 'message')
  assert.equal(heard.length, 2 * count)
  for (let i = 0; i < count; i++) {
    const parsed = parse(texts[i])
    const expected = parsed ? { message: parsed.value } : { code: 'BAD_MESSAGE' }
    assert.ok(isDeepStrictEqual(heard[2 * i], expected), `told of ${JSON.stringify(texts[i])}`)
    assertSettled(outcomes[i], parsed, ids[i], texts[i])
  }
  return texts.filter((text) => !parse(text)).length
}

function assertSettled({ results, error }, parsed, id, text) {
  const shown = `the call of ${JSON.stringify(text)}: ${JSON.stringify(results)}, ${error}`
  if (!parsed) {
    // The id may have been readable before the fault, or not; nothing else may come of it.
    assert.ok(error ? error.code === 'BAD_MESSAGE' : results === PROPER, shown)
    return
  }
  const { value } = parsed
  // As in the guide, a pong is a pong whatever else it holds.
  const isAnswer =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    value.id === id &&
    value.messageType !== 'pong'
  if (!isAnswer) assert.ok(results === PROPER, shown)
  else if (value.error) assert.ok(error?.code === 'TOOL_ERROR' && isDeepStrictEqual(error.data, value.error), shown)
  else assert.ok(!error && isDeepStrictEqual(results, value.results), shown)
}

const PROPER = 'the proper answer'

describe('held against JSON.parse, text by text:', () => {
  for (const seed of [1, 2, 3]) {
    test(`envelopes around anything, seed ${seed}`, async (t) => {
      const random = randomOf(seed)
      assert.equal(await holdAgainstV8(t, 1_000, (id) => envelopeText(random, id)), 0)
    })

    test(`the same with faults, seed ${seed}`, async (t) => {
      const random = randomOf(seed + 100)
      const bad = await holdAgainstV8(t, 1_500, (id) => mutated(random, envelopeText(random, id)))
      assert.ok(bad > 500 && bad < 1_400, `${bad} are no JSON`)
    })
  }

  test('anything at all, right and wrong', async (t) => {
    const random = randomOf(7)
    const bad = await holdAgainstV8(t, 1_500, () =>
      random.chance(0.5) ? jsonText(random) : mutated(random, jsonText(random)),
    )
    assert.ok(bad > 200, `${bad} are no JSON`)
  })

  test('texts picked by hand', async (t) => {
    const picked = [
      ...[
        '',
        ' ',
        '{}',
        '[]',
        '""',
        '0',
        '-',
        '-0',
        '+1',
        '01',
        '1.',
        '.1',
        '1e',
        '1e+',
        '0x1',
        'tru',
        'True',
        'nulll',
        'NaN',
        'Infinity',
        'undefined',
      ],
      ...[
        '{',
        '}',
        '[',
        ']',
        '[,]',
        '[1,]',
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        '{,}',
        '{a:1}',
        "{'a':1}",
        '[1 2]',
        '{"a":1 "b":2}',
        '[}',
        '{]',
        '[[]',
        '[]]',
      ],
      ...[
        '"\n"',
        '"\t"',
        '"\\x"',
        '"\\u12"',
        '"\\u12g4"',
        '"\\ud83d"',
        '"\\ud83d\\ude00"',
        '"\\ude00\\ud83d"',
        '"\u007f\u2028"',
        '"\\/"',
        '"',
        '"\\"',
        '"\\\\"',
      ],
      ...[
        '\ufeff{}',
        '{}\ufeff',
        '\u00a0{}',
        '\v{}',
        '\f{}',
        ' \t\r\n{} \t\r\n',
        '//\n{}',
        '/**/{}',
        '{}{}',
        '{} x',
        '\0{}',
        '{}\0',
      ],
      ...[
        '{"id":ID}',
        '{"id":"ID"',
        '{"id":"ID","results"',
        '{"id":"ID","results":',
        '{"id":"ID","results":1',
        '{"id":"ID","results":1}}',
        '{"id":"ID","results":01}',
      ],
      ...[
        '{"id":"ID","results":1,"id":"x"}',
        '{"id":"x","results":1,"id":"ID"}',
        '{"id":"ID","results":1,"results":2}',
        '{"id":"ID","results":1,"id":}',
      ],
      ...[
        '{"id":"ID","id":null}',
        '{"id":["ID"]}',
        '{"id":{"id":"ID"}}',
        '[{"id":"ID","results":1}]',
        '"ID"',
        '{"x":{"id":"ID","results":1}}',
        '{"id":"ID "}',
      ],
      ...[
        '{"id":"ID","error":{"message":1,"message":"x"}}',
        '{"id":"ID","error":"\\ud83d"}',
        '{"id":"ID","error":{"code":"C","data":[1,{"a":null}]}}',
      ],
      ...[
        '{"id":"ID","results":{"id":"x","error":"y"}}',
        '{"ID":"id","results":1}',
        '{"id" :"ID", "results"\n:1}',
        '{"\\u0069\\u0064":"ID","results":1}',
      ],
      ...[
        '{"id":"ID","results":1e400}',
        '{"id":"ID","results":-1E-400}',
        '{"id":"ID","results":"\\ud83d"}',
        '{"id":"ID","results":{"__proto__":null}}',
      ],
      ...[
        '{"id":"ID","messageType":"pong"}',
        '{"id":"ID","event":"response"}',
        '{"event":"response","data":{"id":"ID","results":1}}',
        '{"success":true,"id":"ID"}',
      ],
    ]
    await holdAgainstV8(t, picked.length, (id, index) => picked[index].replaceAll('ID', id))
  })

  test('every length of a string around the sizes in which it is looked through', async (t) => {
    await holdAgainstV8(
      t,
      400,
      (id, index) =>
        `{"id":"${id}","results":["${'x'.repeat(index)}","${'é'.repeat(index)}\\n"]${index % 7 ? '}' : ''}`,
    )
  })

  test('every place for a character that strings must not hold', async (t) => {
    await holdAgainstV8(
      t,
      300,
      (id, index) =>
        `{"results":"${'x'.repeat(index % 150)}${index < 150 ? '\u001f' : '\u0080'}${'x'.repeat(40)}","id":"${id}"}`,
    )
  })
})

describe('nesting of 100,000 levels', () => {
  const DEPTH = 100_000

  function depthOf(value) {
    let depth = 0
    for (let inner = value; typeof inner === 'object' && inner !== null; depth++)
      inner = Array.isArray(inner) ? inner[0] : inner.a
    return depth
  }

  for (const [what, open, close] of [
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
    ['both', '[{"a":', '}]'],
  ]) {
    test(`of ${what} is read, in a push and in results`, async (t) => {
      const server = await listen(t)
      const client = await ready(t, server)
      const messages = inbox(client, 'message')
      const levels = open.length > 5 ? DEPTH / 2 : DEPTH
      const text = `${open.repeat(levels)}1${close.repeat(levels)}`
      server.broadcast(text)
      assert.equal(depthOf((await messages())[0]), DEPTH)
      server.intercept((frame, connection) => connection.send(`{"results":${text},"id":"${JSON.parse(frame).id}"}`))
      assert.equal(depthOf(await client.useTool('any')), DEPTH)
    })
  }

  test('that is not closed, or closed in the wrong order, is told as bad', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const errors = inbox(client, 'error')
    for (const text of [
      '['.repeat(DEPTH),
      `${'['.repeat(DEPTH)}${'}'.repeat(DEPTH)}`,
      '{"a":'.repeat(DEPTH),
      '[{"a":'.repeat(DEPTH),
    ]) {
      server.broadcast(text)
      assert.equal((await errors())[0].code, 'BAD_MESSAGE')
    }
    assert.equal(await client.useTool('echo', 1), 1)
  })
})
