/** A seeded generator of JSON texts, valid and invalid ones. */

/** mulberry32: small, and random enough for tests. */
export function randomOf(seed) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound) => Math.floor(next() * bound)
  return { below, pick: (list) => list[below(list.length)], chance: (of) => next() < of }
}

/** A JSON text of any kind, with unusual numbers, escapes, keys and white space. */
export function jsonText(random, depth = 4) {
  const kind = random.below(depth > 0 ? 8 : 5)
  if (kind < 1) return random.pick(['null', 'true', 'false'])
  if (kind < 3) return random.pick(NUMBERS)
  if (kind < 5) return stringText(random)
  const items = Array.from(
    { length: random.below(4) },
    () => space(random) + member(random, depth, kind < 6) + space(random),
  )
  return kind < 6 ? `[${items.join()}]` : `{${items.join()}}`
}

/** An object with the members of an envelope and others, in any order, some of them repeated. */
export function envelopeText(random, id) {
  const members = [
    `${keyText(random, 'id')}${space(random)}:${space(random)}${stringText(random, id)}`,
    ...Array.from({ length: random.below(5) }, () => `${keyText(random, random.pick(KEYS))}:${jsonText(random, 2)}`),
  ]
  if (random.chance(0.8))
    members.push(`${keyText(random, 'results')}:${space(random)}${jsonText(random)}${space(random)}`)
  if (random.chance(0.2))
    members.push(
      `"error":${random.pick(['null', 'false', '0', '""', '-0', '0e9', '"no"', '{"message":"no"}', '[]', '1'])}`,
    )
  for (let i = members.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    ;[members[i], members[other]] = [members[other], members[i]]
  }
  return `${space(random)}{${members.map((text) => space(random) + text).join()}}${space(random)}`
}

/** The text with some characters removed, inserted, repeated or replaced, or truncated. */
export function mutated(random, text) {
  let mutant = text
  for (let i = random.below(3); i >= 0; i--) {
    const at = random.below(mutant.length + 1)
    const [head, tail] = [mutant.slice(0, at), mutant.slice(at)]
    mutant = random.pick([
      () => head + tail.slice(1),
      () => head + random.pick(CHARACTERS) + tail,
      () => head + random.pick(CHARACTERS) + tail.slice(1),
      () => head + tail.slice(0, 3) + tail,
      () => (random.chance(0.3) ? head : mutant),
    ])()
  }
  // It is sent as UTF-8, which has no unpaired surrogates.
  return mutant.toWellFormed()
}

function member(random, depth, isInArray) {
  return isInArray
    ? jsonText(random, depth - 1)
    : `${stringText(random)}${space(random)}:${space(random)}${jsonText(random, depth - 1)}`
}

function keyText(random, key) {
  return stringText(random, key)
}

/** A JSON string of these characters (or of any), some of them escaped. */
function stringText(
  random,
  characters = Array.from({ length: random.below(6) }, () => random.pick(CHARACTERS)).join(''),
) {
  let text = ''
  for (const unit of characters.split('')) {
    const code = unit.charCodeAt(0)
    const isSpecial = code < 0x20 || unit === '"' || unit === '\\' || (code >= 0xd800 && code < 0xe000)
    text += isSpecial || random.chance(0.05) ? `\\u${code.toString(16).padStart(4, '0')}` : unit
  }
  return `"${text}"`
}

function space(random) {
  return random.chance(0.2) ? random.pick([' ', '\n', '\t', '\r\n', '        ', ' \t \n']) : ''
}

const KEYS = [
  'id',
  'results',
  'success',
  'messageType',
  'event',
  'data',
  'requestId',
  'message',
  'code',
  'name',
  '',
  '__proto__',
  'toString',
  'ID',
  'é',
]
const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '10',
  '0.5',
  '-1.25e-7',
  '1E5',
  '1e+5',
  '1e999',
  '-1e999',
  '1e-999',
  '9007199254740993',
  '123456789012345678901234567890',
]
const CHARACTERS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '0',
  '1',
  '-',
  '+',
  '.',
  'e',
  'E',
  'a',
  'n',
  't',
  'u',
  '/',
  ' ',
  '\t',
  '\n',
  '\0',
  '\u001f',
  '\u007f',
  '\u0085',
  '\u00a0',
  'é',
  '\u2028',
  '\ufeff',
  '漢',
  '\ud83d',
  '\ude00',
  '😀',
]
