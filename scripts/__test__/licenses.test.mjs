/**
 * The packages contain the full licences of what is linked into the binaries. What is bundled into dist/ is tested in
 * bundles.test.mjs.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { before, describe, test } from 'node:test'
import { folderOf } from '../../__test__/helpers/documents.mjs'
import { licensesOfBinaries, linkedCrates, standardLibrary } from '../lib/licenses/crates.mjs'
import { partsOf, render } from '../lib/licenses/texts.mjs'
import { ROOT } from '../lib/root.mjs'

describe('the licences of the binaries', () => {
  let text
  before(() => {
    text = licensesOfBinaries()
  })

  test('are of every crate that cargo links into the addon of this platform, and of no macro', () => {
    const tree = execFileSync(
      'cargo',
      ['tree', '--locked', '--edges', 'normal', '--prefix', 'none', '--format', '{p}', '--package', 'mcp-client'],
      { cwd: ROOT, encoding: 'utf8' },
    )
    const lines = [
      ...new Set(
        tree
          .trim()
          .split('\n')
          .map((line) => line.replace(' (*)', '')),
      ),
    ].filter((line) => !line.startsWith('mcp-'))
    const [macros, crates] = [true, false].map((wanted) =>
      lines
        .filter((line) => line.includes('(proc-macro)') === wanted)
        .map((line) => line.replace(/^(\S+) v(\S+).*/, '$1@$2')),
    )
    const told = partsOf(text)
    // What only macros stand on is not linked either: cargo tree lists that without a mark.
    const missing = crates.filter((crate) => !told.includes(crate))
    assert.deepEqual(
      missing
        .map((crate) => crate.replace(/@.*/, ''))
        .filter(
          (name) =>
            !/^(proc-macro2|quote|syn|unicode-ident|convert_case|unicode-segmentation|semver|napi-derive-backend)$/.test(
              name,
            ),
        ),
      [],
    )
    assert.deepEqual(
      macros.filter((crate) => told.includes(crate)),
      [],
    )
    for (const name of ['napi', 'napi-sys', 'ring', 'rustls', 'tokio'])
      assert.ok(
        crates.some((crate) => crate.startsWith(`${name}@`)),
        name,
      )
  })

  test('are of other platforms too', () => {
    for (const name of ['schannel', 'security-framework', 'windows-sys'])
      assert.ok(
        partsOf(text).some((part) => part.startsWith(`${name}@`)),
        name,
      )
  })

  test("are of Rust's own library, and of what that is made of", () => {
    for (const name of ['rust-standard-library', 'hashbrown', 'gimli', 'addr2line', 'memchr'])
      assert.ok(
        partsOf(text).some((part) => part.startsWith(`${name}@`)),
        name,
      )
    assert.match(text, /\nrust-standard-library \d+\.\d+\.\d+\S* \(MIT OR Apache-2\.0\)\n\n.*Rust Standard Library/)
  })

  test('are whole texts, not names, and none is there twice', () => {
    for (const words of [
      'TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION',
      'Permission is hereby granted, free of charge',
      'Permission to use, copy, modify, and/or distribute this software',
      'Redistributions in binary form must reproduce',
    ]) {
      assert.ok(text.includes(words), words)
    }
    assert.doesNotMatch(text, /<\/?(p|pre|code)>|&(#\d+|lt|gt|amp);|<copyright holders>/)
    const texts = text
      .split(`\n${'-'.repeat(80)}\n\n`)
      .slice(1)
      .map((section) => section.slice(section.indexOf('\n\n')))
    assert.equal(new Set(texts).size, texts.length)
  })
})

describe('gathering licences', () => {
  const part = (name, ...texts) => ({ name, version: '1.0.0', license: 'MIT', texts })

  test('puts the parts that have the same text together, whatever their ends of lines', () => {
    const text = render('Of these.\n', [
      part('a', 'Be kind.\r\n'),
      part('b', 'Be careful.'),
      part('c', '\nBe kind.  \n', 'And more.'),
    ])
    assert.deepEqual(
      text.split('-'.repeat(80)).map((section) => section.trim()),
      [
        'Of these.',
        'a 1.0.0 (MIT)\nc 1.0.0 (MIT)\n\nBe kind.',
        'b 1.0.0 (MIT)\n\nBe careful.',
        'c 1.0.0 (MIT)\n\nAnd more.',
      ],
    )
    assert.deepEqual(partsOf(text), ['a@1.0.0', 'c@1.0.0', 'b@1.0.0'])
  })

  test('refuses a part that has no text, or an empty one', () => {
    for (const texts of [[], [' \n']])
      assert.throws(
        () => render('', [part('bare', ...texts)]),
        /^Error: bare 1\.0\.0 \(MIT\) is part of what is published, but has no licence text/,
      )
  })

  test('follows what is linked: not macros, nor what only builds or tests need, nor the crates of the project itself', () => {
    const crate = (name, kind = 'lib') => ({ id: name, name, version: '1.0.0', targets: [{ kind: [kind] }] })
    const dep = (pkg, ...kinds) => ({ pkg, dep_kinds: kinds.map((kind) => ({ kind })) })
    const node = (id, ...deps) => ({ id, deps })
    const metadata = {
      packages: [
        crate('root'),
        crate('own'),
        crate('linked'),
        crate('deep'),
        crate('macro', 'proc-macro'),
        crate('of-macro'),
        crate('built'),
        crate('tested'),
      ],
      workspace_members: ['root', 'own'],
      resolve: {
        root: 'root',
        nodes: [
          node('root', dep('own', null), dep('macro', null), dep('built', 'build'), dep('tested', 'dev')),
          node('own', dep('linked', null, 'dev')),
          node('linked', dep('deep', null)),
          node('deep', dep('linked', null)),
          node('macro', dep('of-macro', null)),
          ...['of-macro', 'built', 'tested'].map((id) => node(id)),
        ],
      },
    }
    assert.deepEqual(
      linkedCrates(metadata).map(({ name }) => name),
      ['deep', 'linked'],
    )
  })

  describe("of Rust's own library", () => {
    const RUSTC = 'rustc 1.99.0 (abc 2026-01-01)\nhost: some-host\n'
    const crate = (name, text) => `<h3>📦 ${name}</h3><p><b>License:</b> MIT</p><details><pre>${text}</pre></details>`
    const FILES = {
      'share/doc/rust/COPYRIGHT-library.html': `<head>no</head><p>About &#34;it&#34;.</p>${crate('in-both-1.0.0', 'A &lt;b&gt;')}${crate('elsewhere-1.0.0', 'B')}`,
      'share/doc/rust/COPYRIGHT.html': `<p>About.</p>${crate('in-both-0.9.0', 'C')}${crate('unnamed-1.0.0', 'D')}${crate('unnamed-1.1.0', 'E')}`,
      'share/doc/rust/licenses/MIT.txt': 'Copyright <year> <copyright holders>',
      ...Object.fromEntries(
        ['in_both', 'unnamed', 'core'].map((name) => [`lib/rustlib/some-host/lib/lib${name}-0a.rlib`, '']),
      ),
    }

    test('takes what is in the toolchain, in the version that it has', async (t) => {
      const parts = standardLibrary(await folderOf(t, FILES), RUSTC)
      assert.deepEqual(
        parts.map(({ name, version, texts }) => [name, version, ...texts]),
        [
          [
            'rust-standard-library',
            '1.99.0',
            'About "it".',
            'Copyright The Rust Project Developers (see https://thanks.rust-lang.org)',
          ],
          ['in-both', '1.0.0', 'A <b>'],
          ['unnamed', '1.1.0', 'E'],
        ],
      )
    })

    test('says what to do where the pages are missing, and does not guess at another form of them', async (t) => {
      for (const path of Object.keys(FILES).slice(0, 3)) {
        const { [path]: _, ...rest } = FILES
        const folder = await folderOf(t, rest)
        assert.throws(
          () => standardLibrary(folder, RUSTC),
          /is missing, which has the licences of Rust's standard library: use a toolchain of rustup/,
        )
      }
      for (const page of ['<h4>in-both-1.0.0</h4>', '<h3>📦 in both</h3>']) {
        const folder = await folderOf(t, { ...FILES, 'share/doc/rust/COPYRIGHT-library.html': page })
        assert.throws(() => standardLibrary(folder, RUSTC), /its form must have changed|has an unknown form/)
      }
    })
  })
})
