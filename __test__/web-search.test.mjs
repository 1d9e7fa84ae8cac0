/** The built-in `web_search`: what it finds in a folder of documents, and how it answers. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { folderOf } from './helpers/documents.mjs'
import { RawClient } from './helpers/raw-client.mjs'
import { listen } from './helpers/test-server.mjs'

async function searcherOf(t, files) {
  const docs = await folderOf(t, files)
  const server = await listen(t, { docs })
  const client = await RawClient.authenticated(t, server.url)
  const call = (parameters) => client.ask({ id: 'r', name: 'web_search', parameters })
  return { docs, call, search: async (query, more) => (await call({ query, ...more })).results }
}

const GARDEN = {
  'garden.md': [
    '---',
    'author: somebody',
    '---',
    '# The **garden**',
    '',
    'Where things grow.',
    '',
    '## Apples & pears',
    '',
    'An [apple](https://example.org/apple) a day keeps `theDoctor` away.',
    '',
    '## Tools',
    '',
    'The spade.',
    '',
    '```sh',
    '# not a heading',
    'dig --deep',
    '```',
    '',
    '## Tools',
    '',
    'The *rake*.',
    '',
    'Weather',
    '-------',
    '',
    'Rain is good.',
  ].join('\n'),
  'deep/er/cellar.txt': 'Potatoes   are\nkept in the cellar.',
  'page.html':
    '<html><head><title>Ponds &amp; fish</title><style>carp{}</style></head><body><p>Water.</p>' +
    '<h2 class="x" id="carp">The carp</h2><p>A carp is a&nbsp;fish.</p><script>carp()</script><pre>feed(carp)</pre></body></html>',
  '.hidden.md': '# Treasure',
  'node_modules/x/readme.md': '# Treasure',
  'picture.png': 'Treasure',
}

describe('finding', () => {
  test('a section of Markdown is found, with a link that leads to its heading', async (t) => {
    const { search, docs } = await searcherOf(t, GARDEN)
    const { query, total, items } = await search('apples')
    assert.equal(query, 'apples')
    assert.equal(total, 1)
    assert.deepEqual(items, [
      {
        title: 'Apples & pears — The garden',
        url: `${pathToFileURL(join(docs, 'garden.md'))}#apples--pears`,
        snippet: 'An apple a day keeps theDoctor away.',
      },
    ])
  })

  test('the second of two equal headings has an anchor of its own', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    const [rake] = (await search('rake')).items
    assert.match(rake.url, /#tools-1$/)
    assert.equal(rake.snippet, 'The rake.')
  })

  test('an underlined heading is a heading, and a comment in code is none', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    assert.match((await search('rain')).items[0].url, /#weather$/)
    assert.equal((await search('dig')).items[0].title, 'Tools — The garden')
  })

  test('front matter is not found', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    assert.equal((await search('somebody')).total, 0)
  })

  test('text files in subfolders are found under their path', async (t) => {
    const { search, docs } = await searcherOf(t, GARDEN)
    const { items } = await search('potatoes')
    assert.deepEqual(items, [
      {
        title: 'deep/er/cellar.txt',
        url: pathToFileURL(join(docs, 'deep/er/cellar.txt')).href,
        snippet: 'Potatoes are kept in the cellar.',
      },
    ])
  })

  test('HTML is found by what readers see of it', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    const { total, items } = await search('carp')
    assert.equal(total, 1)
    assert.equal(items[0].title, 'The carp — Ponds & fish')
    assert.match(items[0].url, /page\.html#carp$/)
    assert.equal(items[0].snippet, 'A carp is a fish.')
  })

  test('hidden files, installed packages and other kinds of files are left alone', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    assert.deepEqual(await search('treasure'), { query: 'treasure', total: 0, items: [] })
  })

  const forgiving = [
    ['the beginning of a word', 'potat'],
    ['a slip of the finger', 'potatoos'],
    ['capitals', 'POTATOES'],
    ['an accent', 'pótatoes'],
    ['words around it that say nothing', 'where are the potatoes?'],
  ]
  for (const [what, query] of forgiving) {
    test(`${what} does not keep a word from being found`, async (t) => {
      const { search } = await searcherOf(t, GARDEN)
      assert.equal((await search(query)).items[0]?.title, 'deep/er/cellar.txt')
    })
  }

  test('a part of a camelCase name finds it', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    assert.match((await search('doctor')).items[0].snippet, /theDoctor/)
  })

  test('words of a script without spaces are found', async (t) => {
    const { search } = await searcherOf(t, {
      'ja.md': '# 接続\n\n接続が切れると、再試行を行います。',
      'other.md': '# Other\n\nNothing.',
    })
    assert.equal((await search('再試行')).items[0]?.title, '接続')
  })

  test('a query of nothing but common words finds them', async (t) => {
    const { search } = await searcherOf(t, { 'hamlet.txt': 'To be, or not to be: that is the question.' })
    assert.equal((await search('to be')).total, 1)
  })

  test('a query without any word finds nothing', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    assert.equal((await search('?!')).total, 0)
  })

  test('a long section is cut to the place that matches most of the query', async (t) => {
    const filler = Array.from({ length: 200 }, (_, i) => `filler${i}`).join(' ')
    const { search } = await searcherOf(t, {
      'long.txt': `needle ${filler}. A needle in a haystack is hard to find. ${filler}`,
    })
    const [{ snippet }] = (await search('needle haystack')).items
    assert.match(snippet, /^… A needle in a haystack is hard to find\./)
    assert.match(snippet, / …$/)
    assert.ok(snippet.length <= 250, `${snippet.length} characters`)
  })

  test('the folder is read at the first search and kept', async (t) => {
    const { search, docs } = await searcherOf(t, { 'one.md': '# One' })
    assert.equal((await search('one')).total, 1)
    await writeFile(join(docs, 'two.md'), '# Two')
    assert.equal((await search('two')).total, 0)
  })
})

describe('parameters', () => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${i}.md`, `# Page ${i}\n\nThe same words.`]))

  test('there are five results unless another number is asked for, and the total is told', async (t) => {
    const { search } = await searcherOf(t, many)
    assert.equal((await search('words')).items.length, 5)
    assert.equal((await search('words', { numResults: 1 })).items.length, 1)
    const { items, total } = await search('words', { numResults: 50 })
    assert.equal(items.length, 50)
    assert.equal(total, 60)
  })

  test('links are left out on request', async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    assert.deepEqual((await search('apples', { includeLinks: false })).items, [
      { title: 'Apples & pears — The garden', snippet: 'An apple a day keeps theDoctor away.' },
    ])
    assert.ok((await search('apples', { includeLinks: true })).items[0].url)
  })

  test("the guide's own call is understood, and its answer comes from the documents", async (t) => {
    const { search } = await searcherOf(t, GARDEN)
    const more = {
      numResults: 5,
      includeLinks: true,
      provider: 'tavily',
      tavilyOptions: { includeAnswer: true, searchDepth: 'basic' },
    }
    assert.equal((await search('apples', more)).answer, 'An apple a day keeps theDoctor away.')
    assert.equal((await search('zebra', more)).answer, null)
    assert.ok(!('answer' in (await search('apples'))))
  })

  const misfits = [
    [undefined, '"query" must be a string that is not empty, but is missing'],
    [null, '"query" must be a string that is not empty, but is missing'],
    ['apples', 'the parameters must be an object, not a string'],
    [['apples'], 'the parameters must be an object, not an array'],
    [{ query: '  ' }, '"query" must be a string that is not empty, but is empty'],
    [{ query: 5 }, '"query" must be a string that is not empty, not 5'],
    [{ query: 'x', numResults: 0 }, '"numResults" must be a number from 1 to 50, not 0'],
    [{ query: 'x', numResults: 51 }, '"numResults" must be a number from 1 to 50, not 51'],
    [{ query: 'x', numResults: 2.5 }, '"numResults" must be a whole number from 1 to 50, not 2.5'],
    [{ query: 'x', numResults: '5' }, '"numResults" must be a number from 1 to 50, not a string'],
    [{ query: 'x', includeLinks: 1 }, '"includeLinks" must be true or false, not 1'],
    [{ query: 'x', provider: {} }, '"provider" must be a string that is not empty, not an object'],
    [{ query: 'x', tavilyOptions: true }, '"tavilyOptions" must be an object, not true'],
    [
      { query: 'x', tavilyOptions: { includeAnswer: 'yes' } },
      '"tavilyOptions.includeAnswer" must be true or false, not a string',
    ],
  ]
  for (const [parameters, message] of misfits) {
    test(`${JSON.stringify(parameters)} is refused: ${message}`, async (t) => {
      const { call } = await searcherOf(t, GARDEN)
      assert.deepEqual((await call(parameters)).error, { message: `web_search: ${message}`, code: 'BAD_PARAMETERS' })
    })
  }
})

describe('documents', () => {
  test('a folder without documents is an error that names the remedy', async (t) => {
    const { call } = await searcherOf(t, { 'picture.png': '' })
    const { error } = await call({ query: 'x' })
    assert.equal(error.code, 'NO_DOCUMENTS')
    assert.match(error.message, /option "docs"/)
  })

  test("without a folder this package's own documents are searched", async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    const { results } = await client.ask({ id: 'r', name: 'web_search', parameters: { query: 'MCPClient' } })
    assert.ok(results.items.length > 0)
    for (const { url } of results.items) {
      assert.match(await readFile(fileURLToPath(new URL(url)), 'utf8'), /MCPClient/i)
    }
  })
})
