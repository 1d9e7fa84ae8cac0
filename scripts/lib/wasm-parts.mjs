/** What a WebAssembly module consists of: the bytes of its functions by where they come from, and of its constants. */

/**
 * @param {Uint8Array} module with the names of its functions
 * @param {(path: string[]) => string} partOf from crate and modules of a function, without those that are generic
 * @returns {Record<string, number>} bytes by part; `constants` and `other` beside those that `partOf` names
 */
export function partsOf(module, partOf) {
  const sections = sectionsOf(module)
  const find = (id) => sections.find((section) => section.id === id)
  const names = namesIn(sections.filter(({ id }) => id === CUSTOM))
  const first = importedFunctions(find(IMPORT))
  const parts = {}
  const add = (part, bytes) => {
    parts[part] = (parts[part] ?? 0) + bytes
  }
  for (const [place, bytes] of bodiesIn(find(CODE)).entries())
    add(partOf(pathOf(names.get(first + place) ?? '')), bytes)
  add('constants', find(DATA)?.bytes.length ?? 0)
  add('other', module.length - Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) - sizeOfNames(sections))
  return parts
}

/** The crate and the modules in a mangled name (rustc's scheme v0): `_RNvNtCs1234_12mcp_protocol8envelope5split`. */
function pathOf(name) {
  const at = /C(?:s[0-9A-Za-z]*_)?(?=\d)/.exec(name)
  if (at === null) return []
  const path = []
  for (let rest = name.slice(at.index + at[0].length); ; ) {
    const [digits] = /^\d+/.exec(rest) ?? ['']
    if (digits === '') return path
    path.push(rest.slice(digits.length, digits.length + Number(digits)))
    rest = rest.slice(digits.length + Number(digits))
  }
}

function sectionsOf(module) {
  const reader = new Reader(module, 8)
  const sections = []
  while (!reader.isAtEnd) {
    const start = reader.at
    const id = reader.byte()
    const bytes = reader.bytes(reader.number())
    sections.push({ id, bytes, length: reader.at - start })
  }
  return sections
}

function bodiesIn({ bytes }) {
  const reader = new Reader(bytes)
  return Array.from({ length: reader.number() }, () => reader.bytes(reader.number()).length)
}

/** Functions that are imported have the first numbers. */
function importedFunctions(section) {
  if (section === undefined) return 0
  throw new Error('the module imports something, which it must not')
}

function namesIn(customs) {
  const names = new Map()
  for (const { bytes } of customs) {
    const reader = new Reader(bytes)
    if (reader.text() !== 'name') continue
    while (!reader.isAtEnd) {
      const kind = reader.byte()
      const part = new Reader(reader.bytes(reader.number()))
      if (kind !== FUNCTIONS) continue
      for (let left = part.number(); left > 0; left--) names.set(part.number(), part.text())
    }
  }
  return names
}

function sizeOfNames(sections) {
  return sections.filter(({ id }) => id === CUSTOM).reduce((sum, { length }) => sum + length, 0)
}

class Reader {
  #bytes
  at

  constructor(bytes, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  get isAtEnd() {
    return this.at >= this.#bytes.length
  }

  byte() {
    return this.#bytes[this.at++]
  }

  bytes(length) {
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  /** In LEB128. */
  number() {
    let [number, shift, byte] = [0, 0, 0]
    do {
      byte = this.byte()
      number |= (byte & 0x7f) << shift
      shift += 7
    } while (byte & 0x80)
    return number >>> 0
  }

  text() {
    return new TextDecoder().decode(this.bytes(this.number()))
  }
}

/** Ids of sections, and of the part of the section with names: https://webassembly.github.io/spec/core/binary */
const CUSTOM = 0
const IMPORT = 2
const CODE = 10
const DATA = 11
const FUNCTIONS = 1
