/** The names that are shortened in what pages load are nobody else's. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { INTERNAL_NAMES } from '../build/js/internal-names.mjs'
import { SNAPSHOT } from '../build/public-api.mjs'
import { ROOT } from '../lib/root.mjs'

const filesIn = (folder, filter) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => filter.test(name))
    .map((name) => join(ROOT, folder, name))

test('no name that is shortened for pages is public, of the platform, of the core or in a string', () => {
  const platform = filesIn('node_modules/@typescript', /lib[/\\]lib\.(dom|es|webworker|decorators)[\w.]*\.d\.ts$/)
  assert.ok(platform.length > 50, 'the declarations of the platform are where TypeScript has them')
  const others = [SNAPSHOT, join(ROOT, 'js/shared/native-types.ts'), ...platform].flatMap((path) =>
    wordsOf(codeIn(path)),
  )
  const code = ['js/shared', 'js/page', 'js/bridge', 'js/react', 'js/retry'].flatMap((folder) => filesIn(folder, /ts$/))
  const strings = code.flatMap((path) => codeIn(path).match(/'\w+'|"\w+"/g) ?? []).flatMap(wordsOf)
  const taken = new Set([...others, ...strings])
  assert.deepEqual(
    INTERNAL_NAMES.filter((name) => taken.has(name)),
    [],
  )
})

function codeIn(path) {
  return readFileSync(path, 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
}

function wordsOf(text) {
  return text.match(/[A-Za-z_$][\w$]*/g) ?? []
}
