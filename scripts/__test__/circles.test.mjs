/** No file uses another one that, directly or through others, uses it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { folderOf } from '../../__test__/helpers/documents.mjs'
import { circles } from '../check/circles.mjs'
import { rustUses } from '../check/rust-uses.mjs'
import { ROOT } from '../lib/root.mjs'

/** The files that `file` uses, in a crate of these sources. */
const usesOf = (file, sources) => [...rustUses(sources).get(file)].sort()

describe('a Rust file uses', () => {
  test('what its use lines name, however they are nested, renamed or spread over lines', () => {
    const sources = {
      'src/lib.rs': 'mod a; mod b; mod c; mod d; mod e; mod f;',
      'src/a.rs': `
        use crate::{b::Thing, c::{self, One as Two}};
        use super::{
          d,
          e::inner::*,
        };`,
      'src/b.rs': '',
      'src/c.rs': '',
      'src/d.rs': '',
      'src/e.rs': 'pub(crate) mod inner { pub struct X; }',
      'src/f.rs': '',
    }
    assert.deepEqual(usesOf('src/a.rs', sources), ['src/b.rs', 'src/c.rs', 'src/d.rs', 'src/e.rs'])
  })

  test('what paths in its code name, in modules within it too', () => {
    const sources = {
      'src/lib.rs': 'mod a; mod b; mod c; mod d;',
      'src/a.rs': `
        fn run() -> crate::b::Thing { super::c::go() }
        #[cfg(test)]
        mod tests { use super::*; fn it() { super::super::d::go() } }`,
      'src/b.rs': '',
      'src/c.rs': '',
      'src/d.rs': '',
    }
    assert.deepEqual(usesOf('src/a.rs', sources), ['src/b.rs', 'src/c.rs', 'src/d.rs'])
  })

  test('the file that defines a thing, not those through which it is shown', () => {
    const sources = {
      'src/lib.rs': 'mod a; mod b;',
      'src/a.rs': 'use crate::b::{Deep, Spread, Own, run};',
      'src/b/mod.rs':
        'mod deep; mod spread; pub use deep::Deep; pub use self::spread::*; pub struct Own; use deep::run;',
      'src/b/deep.rs': 'pub struct Deep; pub fn run() {}',
      'src/b/spread.rs': 'pub struct Spread;',
    }
    assert.deepEqual(usesOf('src/a.rs', sources), ['src/b/deep.rs', 'src/b/mod.rs', 'src/b/spread.rs'])
  })

  test('a module of its own folder when it uses it, not when it declares or shows it', () => {
    const sources = {
      'src/lib.rs': 'mod shown; mod used; pub use shown::Shown; fn run() { used::run() }',
      'src/shown.rs': 'pub struct Shown;',
      'src/used.rs': 'pub fn run() {}',
    }
    assert.deepEqual(usesOf('src/lib.rs', sources), ['src/used.rs'])
  })

  test('nothing that only comments and texts name, and nothing of other crates', () => {
    const sources = {
      'src/lib.rs': 'mod a; mod b;',
      'src/a.rs': `
        // use crate::b::Thing;
        /* crate::b::go() */
        use std::fmt; use b::Foreign;
        const TEXT: &str = "crate::b::go() {"; const RAW: &str = r#"{ crate::b "quoted" }"#; const BRACE: char = '{';`,
      'src/b.rs': '',
    }
    assert.deepEqual(usesOf('src/a.rs', sources), [])
  })

  test('a module at a path of its own', () => {
    const sources = {
      'tests/one/main.rs': '#[path = "../support/mod.rs"]\nmod support;\nuse support::help;',
      'tests/two/main.rs': '#[path = "../support/mod.rs"]\nmod support;',
      'tests/support/mod.rs': 'pub fn help() {}',
    }
    assert.deepEqual(usesOf('tests/one/main.rs', sources), ['tests/support/mod.rs'])
    assert.deepEqual(usesOf('tests/two/main.rs', sources), [])
  })

  test('a module whose file is missing is an error that names it', () => {
    assert.throws(() => rustUses({ 'src/lib.rs': 'mod gone;' }), /src\/lib\.rs: there is no file for "mod gone;"/)
  })
})

test('a circle is named by its files in their order, each circle once', () => {
  const uses = { a: ['b', 'e'], b: ['c'], c: ['a', 'd'], d: ['d2'], d2: ['d'], e: [] }
  const graph = new Map(Object.entries(uses).map(([file, used]) => [file, new Set(used)]))
  assert.deepEqual(circles(graph), [
    ['a', 'b', 'c'],
    ['d', 'd2'],
  ])
})

test('Biome names circles between JavaScript and TypeScript files, of types and of dynamic imports too', async (t) => {
  const config = readFileSync(join(ROOT, 'biome.jsonc'), 'utf8').replace(/^ *"\$schema".*\n/m, '')
  const folder = await folderOf(t, {
    'biome.jsonc': config,
    'types/one.ts': "import type { Two } from './two.js'\nexport type One = Two\n",
    'types/two.ts': "import type { One } from './one.js'\nexport type Two = One | null\n",
    'values/one.mjs': "export const one = () => import('./two.mjs')\n",
    'values/two.mjs': "import { one } from './one.mjs'\nexport const two = one\n",
    'straight.mjs': "import { two } from './values/two.mjs'\nexport const three = two\n",
  })
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')
  const { stderr } = spawnSync(process.execPath, [biome, 'lint', '.'], { cwd: folder, encoding: 'utf8' })
  const files = [...stderr.matchAll(/^(\S+?):\d+:\d+ lint\/suspicious\/noImportCycles/gm)].map(([, file]) => file)
  assert.deepEqual(
    files.map((file) => file.replaceAll('\\', '/')).sort(),
    ['types/one.ts', 'types/two.ts', 'values/one.mjs', 'values/two.mjs'],
    stderr,
  )
})
