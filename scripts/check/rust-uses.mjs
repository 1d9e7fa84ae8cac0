/**
 * Finds which Rust file uses which, by the paths in `use` and in the code. A path is followed through `use` and `pub
 * use` to the file that defines the item. `mod` lines do not count, nor does a module's `pub use` of items in its own
 * folder, which only forms its public API. Paths into other crates do not count either.
 *
 * It parses only as much of Rust as this needs, and ignores macros, `cfg` and traits.
 */
import { basename, dirname, join } from 'node:path'

/**
 * @param {Record<string, string>} sources of Rust files, by their paths
 * @returns {Map<string, Set<string>>} the files that each file uses
 */
export function rustUses(sources) {
  const uses = new Map(Object.keys(sources).map((file) => [file, new Set()]))
  for (const root of moduleTrees(sources)) collect(root, uses)
  return uses
}

function collect(module, uses) {
  for (const { segments, isShown } of module.paths) {
    const target = resolve(module, segments)
    if (target === null || target.file === module.file) continue
    if (isShown && isWithin(target, module)) continue
    uses.get(module.file).add(target.file)
  }
  for (const child of module.children.values()) collect(child, uses)
}

/** The module that defines what the path names; `null` for another crate's. */
function resolve(module, segments, seen = new Set()) {
  const key = `${module.file} ${segments.join('::')}`
  if (seen.has(key)) return null
  seen.add(key)
  const [first, ...rest] = segments
  if (first === 'crate') return walk(rootOf(module), rest, seen)
  if (first === 'self') return walk(module, rest, seen)
  if (first === 'super') return module.parent && walk(module.parent, rest, seen)
  if (module.children.has(first)) return walk(module, segments, seen)
  const imported = module.names.get(first)
  return imported === undefined ? null : resolve(module, [...imported, ...rest], seen)
}

function walk(module, segments, seen) {
  const [first, ...rest] = segments
  if (first === undefined) return module
  if (first === 'super') return module.parent && walk(module.parent, rest, seen)
  if (module.children.has(first)) return walk(module.children.get(first), rest, seen)
  if (module.items.has(first)) return module
  const imported = module.names.get(first)
  if (imported !== undefined) return resolve(module, [...imported, ...rest], seen)
  for (const glob of module.globs) {
    const target = resolve(module, glob, seen)
    if (target?.items.has(first) || target?.names.has(first) || target?.children.has(first))
      return walk(target, segments, seen)
  }
  return module
}

function rootOf(module) {
  return module.parent === null ? module : rootOf(module.parent)
}

function isWithin(module, ancestor) {
  return module !== null && (module === ancestor || isWithin(module.parent, ancestor))
}

/** One tree for each crate, program, test and benchmark: for each file that no `mod` stands for. */
function moduleTrees(sources) {
  const declared = new Set()
  for (const file of Object.keys(sources)) grow(parse(file, sources[file]), sources, (path) => declared.add(path))
  const roots = Object.keys(sources).filter((file) => !declared.has(file))
  return roots.map((file) => grow(parse(file, sources[file]), sources))
}

/** Adds the modules that are files of their own: all of them, or tells `found` of those of this one. */
function grow(module, sources, found) {
  for (const child of module.children.values()) grow(child, sources, found)
  for (const { name, path } of module.declared) {
    const file = filesOf(module, name, path).find((candidate) => candidate in sources)
    if (file === undefined) throw new Error(`${module.file}: there is no file for "mod ${name};"`)
    if (found === undefined) module.children.set(name, grow(parse(file, sources[file], module), sources))
    else found(file)
  }
  return module
}

function filesOf({ file }, name, path) {
  const beside = dirname(file)
  if (path !== undefined) return [join(beside, path)]
  const within = join(beside, basename(file, '.rs'))
  return [within, beside].flatMap((folder) => [join(folder, `${name}.rs`), join(folder, name, 'mod.rs')])
}

function parse(file, source, parent = null) {
  const root = newModule(file, parent)
  const stack = [{ module: root, depth: 0 }]
  let depth = 0
  for (const { 0: text, groups } of withoutWords(source).matchAll(TOKEN)) {
    const { inline, path, name, isPublic, tree, item, used } = groups
    const { module } = stack.at(-1)
    if (inline !== undefined) {
      const child = newModule(file, module)
      module.children.set(inline, child)
      stack.push({ module: child, depth: depth++ })
    } else if (name !== undefined) module.declared.push({ name, path })
    else if (tree !== undefined) for (const leaf of leaves(tree)) bring(module, leaf, isPublic !== undefined)
    else if (item !== undefined) module.items.add(item)
    else if (used !== undefined) module.paths.push({ segments: used.split('::'), isShown: false })
    else if (text === '{') depth++
    else if (stack.at(-1).depth === --depth && stack.length > 1) stack.pop()
  }
  return root
}

/** Without comments, and with empty texts and characters, so that nothing in them looks like code. */
function withoutWords(source) {
  return source.replace(WORDS, (text) => (text.startsWith('#') ? text : text.startsWith('/') ? '' : '""'))
}

function newModule(file, parent) {
  const empty = { children: new Map(), declared: [], paths: [], names: new Map(), globs: [], items: new Set() }
  return { file, parent, ...empty }
}

/** The paths that a `use` brings in, each with the name that it is known by. */
function leaves(tree) {
  const text = tree.replace(/\s+as\s+/g, '=').replace(/\s+/g, '')
  const [, prefix, group] = /^([^{]*?)(?:\{(.*)\})?$/.exec(text)
  if (group !== undefined) return split(group).flatMap((part) => leaves(prefix + part))
  const [path, alias] = prefix.split('=')
  const segments = path.split('::').filter((segment, index) => segment !== 'self' || index === 0)
  return [{ segments, name: alias ?? segments.at(-1) }]
}

/** At the commas that are not in braces. */
function split(group) {
  const parts = ['']
  let depth = 0
  for (const character of group) {
    if (character === '{') depth++
    if (character === '}') depth--
    if (character === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts.filter((part) => part !== '')
}

function bring(module, { segments, name }, isShown) {
  if (name === '*') module.globs.push(segments.slice(0, -1))
  else module.names.set(name, segments)
  module.paths.push({ segments: name === '*' ? segments.slice(0, -1) : segments, isShown })
}

/** What `withoutWords` takes away; the path of `#[path = …]` is code. */
const WORDS =
  /#\[path = "[^"]*"\]|\/\/.*|\/\*[\s\S]*?\*\/|r(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|'(?:\\.[^']*|[^'\\])'/g

/** What matters in the code; braces tell where a module ends that stands in the file of another one. */
const TOKEN = new RegExp(
  [
    /\bmod\s+(?<inline>\w+)\s*\{/,
    /(?:#\[path = "(?<path>[^"]*)"\]\s*)?(?:\bpub(?:\([^)]*\))?\s+)?\bmod\s+(?<name>\w+)\s*;/,
    /\b(?<isPublic>pub(?:\([^)]*\))?\s+)?use\s+(?<tree>[^;]+);/,
    /\b(?:struct|enum|trait|union|fn|const|static|type|macro_rules!)\s+(?<item>\w+)/,
    /\b(?<used>(?:crate|self|super|[a-z_]\w*)(?:::\w+)+)/,
    /[{}]/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
)
