/** A sample of `npm run soak`: real sockets, real faults, every call checked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chaos } from './helpers/chaos.mjs'

test('thousands of calls through hundreds of faults: each is settled once, with its own answer or an error that tells the truth', async (t) => {
  const { calls, answers, faults, losses } = await chaos({ ms: 10_000, seed: 20 })
  t.diagnostic(`${calls} calls, ${answers} answers, ${faults} connections; ${JSON.stringify(losses)}`)
  assert.ok(calls > 1_000 && answers > 500 && faults > 50, `${calls} calls, ${answers} answers, ${faults} faults`)
  assert.ok(losses.CONNECTION_LOST > 0)
})
