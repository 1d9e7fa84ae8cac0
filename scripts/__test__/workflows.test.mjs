/**
 * The workflows: the linters have no findings in them but find planted mistakes, and the workflows agree with the rest
 * of the project.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { folderOf } from '../../__test__/helpers/documents.mjs'
import { lintWorkflows } from '../check/workflows.mjs'
import { ROOT } from '../lib/root.mjs'

const CI = read('.github/workflows/ci.yml')

describe('the linters', () => {
  test('have no findings in the workflows', async () => {
    assert.deepEqual(await lintWorkflows(), [])
  })

  test('find what cannot run, what could be abused, and what breaks the rules of the project', async (t) => {
    const job = (lines) =>
      `name: Bad\non:\n  pull_request:\npermissions: {}\njobs:\n  bad:\n    name: bad\n    runs-on: ubuntu-24.04\n${lines}`
    const root = await folderOf(t, {
      '.github/workflows/untrusted.yml': job(
        '    steps:\n      - run: node scripts/build/all.mjs ${{ github.event.pull_request.title }}\n',
      ),
      '.github/workflows/unpinned.yml': job('    steps:\n      - uses: actions/checkout@v7\n'),
      '.github/workflows/broad.yml': job('    permissions: write-all\n    steps:\n      - run: npm ci\n'),
      '.github/workflows/unknown.yml': job('    needs: [nobody]\n    steps:\n      - run: npm ci\n'),
      '.github/workflows/inline.yml': job(
        '    steps:\n      - run: npm ci && npm test\n      - run: |\n          npm ci\n',
      ),
      '.github/workflows/absent.yml': job(
        '    steps:\n      - run: node scripts/no-such.mjs\n      - run: npm run no-such\n',
      ),
    })
    const findings = await lintWorkflows(root)
    for (const expected of [
      /untrusted\.yml:10:.*potentially untrusted.*\[actionlint: expression\]/,
      /untrusted\.yml:10: .*\[zizmor: template-injection, High\]/,
      /unpinned\.yml:10: an action is pinned to a full commit/,
      /unpinned\.yml:10: .*\[zizmor: unpinned-uses/,
      /broad\.yml:9: .*\[zizmor: excessive-permissions, High\]/,
      /unknown\.yml:\d+:\d+: .*nobody.*\[actionlint: job-needs\]/,
      /inline\.yml:10: a step runs one script of the project: - run: npm ci && npm test/,
      /inline\.yml:11: a step runs one script/,
      /absent\.yml:10: there is no such script/,
      /absent\.yml:11: there is no such script/,
    ]) {
      assert.ok(
        findings.some((finding) => expected.test(finding)),
        `${expected} is not among:\n${findings.join('\n')}`,
      )
    }
  })
})

test('the tests run with every supported Node.js, the oldest one included', () => {
  const [, list] = /^ +node: \[(.*)\]$/m.exec(CI)
  const versions = list.split(', ').map(Number)
  assert.equal(JSON.parse(read('package.json')).engines.node, `>=${versions[0]}`)
  assert.deepEqual(
    versions,
    versions.map((_, index) => versions[0] + 2 * index),
    'each even version is supported',
  )
})

test('cargo-deny checks the targets that binaries are built for', () => {
  const { targets } = JSON.parse(read('package.json')).napi
  const [, list] = /^targets = \[([^\]]*)\]/m.exec(read('deny.toml'))
  assert.deepEqual(
    [...list.matchAll(/"(.*)"/g)].map(([, target]) => target),
    targets,
  )
})

function read(path) {
  return readFileSync(join(ROOT, path), 'utf8')
}
