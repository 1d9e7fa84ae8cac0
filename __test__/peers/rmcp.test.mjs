/** `mcp-client mcp` under a host on rmcp, the implementation of MCP in Rust: `npm run test:peers`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { listen } from '../helpers/test-server.mjs'

const [MAIN, HOST] = ['dist/cli/main.js', 'target/peers/debug/host'].map((path) =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url)),
)

describe('rmcp', () => {
  for (const [lifecycle, version] of [
    ['initialize', '2025-11-25'],
    ['discover', '2026-07-28'],
  ]) {
    test(`finds and calls tools after ${lifecycle}`, async (t) => {
      const server = await listen(t, { dialect: 'event', schemas: 'named', tools: { long: () => 'x'.repeat(200_000) } })
      const calls = [
        { name: 'echo', arguments: { a: 1 } },
        { name: 'fail', arguments: { message: 'no', code: 'X' } },
        { name: 'sleep', arguments: {} },
        { name: 'long' },
        { name: 'none' },
      ]
      const args = [lifecycle, JSON.stringify(calls), process.execPath, MAIN, 'mcp', server.url]
      const { stdout } = await promisify(execFile)(HOST, args, { maxBuffer: 16 * 1024 * 1024 })
      const told = JSON.parse(stdout)
      assert.equal(told.version, version)
      assert.deepEqual(
        told.tools.map(({ name }) => name),
        ['echo', 'fail', 'long', 'sleep', 'status', 'web_search'],
      )
      const [echo, fail, sleep, long, none] = told.results
      assert.deepEqual(echo.structuredContent, { a: 1 })
      assert.deepEqual([fail.isError, fail.structuredContent.error.toolCode], [true, 'X'])
      assert.deepEqual([sleep.isError, sleep.structuredContent.error.code], [true, 'INVALID_PARAMETERS'])
      assert.equal(long.content[1].type, 'resource_link')
      assert.match(none.refused, /Unknown tool: "none"/)
    })
  }
})
