/** Finds the declaration files that make up the public types, and checks that they need no package users lack. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Packages that the types of an entry may name, because everyone who imports the entry has them. */
export const TYPES_OF_PEERS = { './react': ['react'], './opentelemetry': ['@opentelemetry/api'] }

/**
 * The entries of the package that have types.
 * @param {{ exports: object }} manifest package.json
 * @returns {[entry: string, file: string][]} './react', say, and the declarations for CommonJS, as a path from the
 * package's folder
 */
export function typesOfEntries({ exports }) {
  const types = ({ types, require }) => types ?? require?.types
  return Object.entries(exports).flatMap(([entry, target]) =>
    types(target) === undefined ? [] : [[entry, types(target)]],
  )
}

/**
 * @param {string} entry absolute path of a .d.ts file
 * @param {string[]} peers packages that every user of the entry has
 * @returns {Promise<Set<string>>} it and all that it imports, as absolute paths
 * @throws when one of them imports another package, which users may not have installed
 */
export async function declarationsReachableFrom(entry, peers = []) {
  const reached = new Set()
  const waiting = [entry]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue
    reached.add(file)
    for (const specifier of specifiersIn(await readFile(file, 'utf8'))) {
      if (specifier.startsWith('.')) waiting.push(resolve(dirname(file), `${specifier.replace(/\.js$/, '')}.d.ts`))
      else if (!specifier.startsWith('node:') && !peers.includes(specifier))
        throw new Error(`${file} imports the types of ${specifier}, which users may not have`)
    }
  }
  return reached
}

function specifiersIn(text) {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"]+)\1/g)].map((match) => match[2])
}
