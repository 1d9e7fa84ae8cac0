/** What an editor shows for the public types: a sentence for each of them, and for each of their members. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { declarationsReachableFrom, TYPES_OF_PEERS, typesOfEntries } from '../build/js/declarations.mjs'
import { publicApi } from '../build/public-api.mjs'
import { ROOT } from '../lib/root.mjs'

/** Declaration files as the compiler writes them. */
const DECLARATION = /^export (?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/
const MEMBER = /^ {4}(?:(?:static|readonly|get) )*(\[[\w.]+\]|\w+)\??[(:<]/

/** The lines that declare one of `names`, or a member of it, without a comment above. */
function undocumented(text, names) {
  const lines = text.split('\n')
  let isPublic = false
  // A type made of others has conditions, which look like members.
  let hasMembers = false
  return lines.filter((line, index) => {
    const [, name] = DECLARATION.exec(line) ?? []
    if (/^\S/.test(line) && !/^[}\]]/.test(line)) {
      isPublic = name !== undefined && names.has(name)
      hasMembers = !line.startsWith('export type')
    }
    if (!isPublic || lines[index - 1]?.trim().endsWith('*/')) return false
    return name !== undefined || (hasMembers && MEMBER.test(line) && !line.startsWith('    private '))
  })
}

test('each public type and each member has a sentence', async () => {
  const names = new Set([...publicApi().matchAll(/^ {2}(\w+)$/gm)].map(([, name]) => name))
  assert.ok(names.size > 50, 'the names that the entries export')
  const files = new Set()
  for (const [entry, types] of typesOfEntries(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')))) {
    for (const file of await declarationsReachableFrom(join(ROOT, types), TYPES_OF_PEERS[entry])) files.add(file)
  }
  // Its types have the names of public ones, which are made of them.
  const written = [...files].filter((file) => !file.endsWith('native-types.d.ts'))
  const found = written.flatMap((file) =>
    undocumented(readFileSync(file, 'utf8'), names).map((line) => `${relative(ROOT, file)}: ${line.trim()}`),
  )
  assert.deepEqual(found, [])
})

test('a type or a member without a sentence is found, if it is public', () => {
  const text = `/** About it. */
export interface Shown {
    /** What it is. */
    told: string;
    untold: string;
    readonly #hidden;
    [Symbol.iterator](): void;
}
export declare function bare(): void;
interface Internal {
    member: 1;
}
`
  assert.deepEqual(undocumented(text, new Set(['Shown', 'bare', 'Internal'])), [
    '    untold: string;',
    '    [Symbol.iterator](): void;',
    'export declare function bare(): void;',
  ])
})
