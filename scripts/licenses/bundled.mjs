/** The licences of the packages that went into a bundle: their authors ask that the text goes along. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * @param {string} root folder that the paths of the metafiles are relative to
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @returns {Promise<string>} name, version and whole licence text of each package, by name
 * @throws when a package has no licence text
 */
export async function licensesOf(root, metafiles) {
  const inputs = metafiles.flatMap((metafile) => Object.keys(metafile.inputs))
  const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined))
  const notices = await Promise.all([...folders].sort().map((folder) => notice(join(root, folder))))
  return [INTRODUCTION, ...notices].join(`\n${'-'.repeat(80)}\n\n`)
}

/** `node_modules/@scope/name` for any file in it; the innermost one counts. */
function packageFolder(path) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]
}

async function notice(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)(\.|-|$)/i.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  if (!texts.some((text) => text.trim() !== '')) throw new Error(`${name} ${version} is bundled but has no licence text in ${folder}`)
  return `${name} ${version} (${license})\n\n${texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n')}\n`
}

const INTRODUCTION = 'dist/testing.js and dist/cli/main.js contain the following packages.\n'
