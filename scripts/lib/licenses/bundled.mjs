/** The licences of the packages that went into a bundle. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { render, textsIn } from './texts.mjs'

/**
 * Packages that are published without a licence text, and the package of the same holder under the same licence that
 * has one; with the line that names the holder, in a file of the first and in the text of the second.
 */
const WITHOUT_TEXT = {
  'yoga-layout': {
    file: 'dist/src/index.js',
    textOf: 'react',
    holder: 'Copyright (c) Meta Platforms, Inc. and affiliates.',
  },
}

/**
 * @param {string} root the folder that the paths of the metafiles are relative to
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @returns {Promise<string>} name, version and full licence text of each package, by name
 * @throws when a package has no licence text
 */
export async function licensesOfBundled(root, metafiles) {
  const inputs = metafiles.flatMap((metafile) => Object.keys(metafile.inputs))
  const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined))
  return render(INTRODUCTION, await Promise.all([...folders].sort().map((folder) => part(join(root, folder)))))
}

/** `node_modules/@scope/name` for a file in it: the innermost one. */
function packageFolder(path) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]
}

async function part(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const texts = textsIn(folder)
  return { name, version, license, texts: texts.length > 0 ? texts : await borrowed(folder, name, license) }
}

/** @returns {Promise<string[]>} none if there is no package to take it from */
async function borrowed(folder, name, license) {
  const { file, textOf, holder } = WITHOUT_TEXT[name] ?? {}
  if (textOf === undefined) return []
  const other = join(folder, '..', textOf)
  const manifest = JSON.parse(await readFile(join(other, 'package.json'), 'utf8'))
  const texts = textsIn(other)
  const isSame = [await readFile(join(folder, file), 'utf8'), ...texts].every((text) => text.includes(holder))
  if (!isSame || manifest.license !== license) throw new Error(`the licence of ${name} is no longer that of ${textOf}`)
  return texts
}

const INTRODUCTION = 'dist/testing/main.js and the modules in dist/cli contain the following packages.\n'
