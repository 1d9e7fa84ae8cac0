/** The licences of the packages that went into a bundle. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { render, textsIn } from './texts.mjs'

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
  return { name, version, license, texts: textsIn(folder) }
}

const INTRODUCTION = 'dist/testing/main.js and the modules in dist/cli contain the following packages.\n'
