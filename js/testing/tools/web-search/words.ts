/** What counts as a word, in documents and queries alike. */

/** The words of a text, unchanged. */
export function wordsOf(text: string): string[] {
  return text
    .split(NOT_IN_A_WORD)
    .flatMap((run) => (UNSPACED.test(run) ? segments(run) : run))
    .filter((word) => word !== '')
}

/** The terms that find a word: itself in lower case without accents, and the parts of a camelCase name. */
export function termsOf(word: string): string[] {
  const parts = word.split(CAMEL_HUMP)
  return (parts.length > 1 ? [word, ...parts] : [word]).map(fold)
}

/** The words of a query without stop words; all of them if there are only stop words. */
export function queryWords(query: string): string[] {
  const words = wordsOf(query)
  const telling = words.filter((word) => !STOP_WORDS.has(fold(word)))
  return telling.length > 0 ? telling : words
}

function fold(word: string): string {
  return word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}

function segments(run: string): string[] {
  return [...SEGMENTER.segment(run)].filter((part) => part.isWordLike).map((part) => part.segment)
}

const NOT_IN_A_WORD = /[^\p{L}\p{M}\p{N}]+/u
const CAMEL_HUMP = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})/u

/** Scripts without spaces between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u
const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'word' })

const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a about an and are as at be by can do does for from has have how i if in is it its me my of on or so that the their then ' +
    'there these this to was what when where which who why will with you your'
  ).split(' '),
)
