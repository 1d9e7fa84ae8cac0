/**
 * Writes `__test__/types/public-api.txt`: the public types of the package, and the parts of package.json that users
 * rely on. A test compares the file with the build, so that no change goes unnoticed; docs/versioning.md says which
 * kind of release each change needs.
 *
 * The text depends neither on the file of a declaration nor on its comments. It lists the exported names of each entry,
 * then every declaration that they need, once.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ROOT, isMain } from '../lib/root.mjs'
import { typesOfEntries } from './js/declarations.mjs'

export const SNAPSHOT = join(ROOT, '__test__/types/public-api.txt')

/** The parts of package.json that users rely on. */
const PROMISED_FIELDS = ['exports', 'bin', 'engines', 'peerDependencies', 'dependencies']

/** The public API of the package in `root`, where the TypeScript has been built. */
export function publicApi(root = ROOT) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const promised = Object.fromEntries(PROMISED_FIELDS.map((field) => [field, manifest[field] ?? {}]))
  const modules = new Modules()
  const sections = [`package.json: ${JSON.stringify(promised, null, 2)}`]
  const reached = new Map()
  for (const [entry, types] of typesOfEntries(manifest)) {
    const file = join(root, types)
    const names = [...modules.exportsOf(file)].sort()
    sections.push([`${manifest.name}${entry.slice(1)} exports:`, ...names].join('\n  '))
    for (const name of [...names, ...modules.globalsOf(file)]) modules.reach(file, name, reached)
  }
  const declarations = [...reached.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return `${[...sections, ...declarations.map(({ text }) => text)].join('\n\n')}\n`
}

/** Declaration files as the compiler writes them: each statement begins at the start of a line. */
class Modules {
  #modules = new Map()

  exportsOf(file) {
    const { exported, stars } = this.#load(file)
    return new Set([...exported, ...stars.flatMap((star) => [...this.exportsOf(star)])])
  }

  /** The names in `declarations` of what a file adds to the global scope. */
  globalsOf(file) {
    return [...this.#load(file).declarations.keys()].filter((name) => name.startsWith('declare '))
  }

  /** Adds to `reached` the declaration of `name` in `file`, and every declaration that it needs. */
  reach(file, name, reached) {
    const module = this.#load(file)
    const text = module.declarations.get(name)
    if (text === undefined) {
      const origin = module.origins.get(name)
      if (origin !== undefined) return this.reach(origin.file, origin.name, reached)
      for (const star of module.stars) this.reach(star, name, reached)
      return
    }
    const key = `${name} ${file}`
    if (reached.has(key)) return
    reached.set(key, { name, text })
    for (const [word] of text.matchAll(/[\w$]+/g)) this.reach(file, word, reached)
  }

  #load(file) {
    if (!this.#modules.has(file)) this.#modules.set(file, parse(file, readFileSync(file, 'utf8')))
    return this.#modules.get(file)
  }
}

function parse(file, text) {
  const module = { declarations: new Map(), origins: new Map(), exported: new Set(), stars: [] }
  // What a declaration needs of the libraries is a comment to whoever reads it.
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\/\/\/.*$/gm, '').replace(/^\s*\n/gm, '')
  for (const statement of code.split(/^(?=[a-z])/m).filter(Boolean)) read(file, statement.trimEnd(), module)
  return module
}

function read(file, statement, module) {
  const [, verb, list, specifier] = /^(import|export) (?:type )?\{([^}]*)\}(?: from '(.*)')?;$/.exec(statement) ?? []
  const [, star] = /^export \* from '(.*)';?$/.exec(statement) ?? []
  const [, exported, name] =
    /^(export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function|enum) ([\w$]+)/.exec(statement) ?? []
  if (star !== undefined) return module.stars.push(fileOf(file, star))
  if (name !== undefined) {
    const before = module.declarations.get(name)
    module.declarations.set(name, before === undefined ? statement : `${before}\n${statement}`)
    if (exported) module.exported.add(name)
    return
  }
  // An import for its side effects.
  if (/^import '[^']*';$/.test(statement)) return
  if (/^declare (global|module)\b/.test(statement)) return module.declarations.set(statement.split(' {')[0], statement)
  if (verb === undefined)
    throw new Error(`${file}: a statement that scripts/build/public-api.mjs does not understand: ${statement}`)
  for (const [, original, alias = original] of list.matchAll(/(?:type )?([\w$]+)(?: as ([\w$]+))?\s*(?:,|$)/g)) {
    if (verb === 'export') module.exported.add(alias)
    if (specifier?.startsWith('.')) module.origins.set(alias, { file: fileOf(file, specifier), name: original })
  }
}

function fileOf(file, specifier) {
  return resolve(dirname(file), specifier.replace(/(\.js)?$/, '.d.ts'))
}

if (isMain(import.meta.url)) writeFileSync(SNAPSHOT, publicApi())
