/**
 * The licences of what is linked into the binaries: the crates of the addon, on any platform, and Rust's own library.
 * cargo knows the first ones, and has their sources; of the other one each toolchain brings the texts along.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from '../root.mjs'
import { render, textsIn } from './texts.mjs'

/** Crates that are published without a licence text, and the npm package of the same repository that has it. */
const ELSEWHERE = { napi: '@napi-rs/cli', 'napi-sys': '@napi-rs/cli' }

/** Marks the beginning of a crate on the pages of the toolchain. */
const CRATE = '<h3>📦 '

/** @throws when a crate has no licence text, or the toolchain has none */
export function licensesOfBinaries() {
  return render(INTRODUCTION, [
    ...linkedCrates(cargoMetadata()).map(part),
    ...standardLibrary(ask('rustc', '--print', 'sysroot').trim(), ask('rustc', '--version', '--verbose')),
  ])
}

/**
 * The third-party crates that are linked, from the output of `cargo metadata`: no macros, which run in the compiler,
 * and nothing that only builds or tests need.
 * @returns {{ name: string, version: string, license: string, manifest_path: string }[]} by name
 */
export function linkedCrates({ packages, workspace_members: own, resolve: { root, nodes } }) {
  const crates = new Map(packages.map((crate) => [crate.id, crate]))
  const linkedBy = new Map(
    nodes.map(({ id, deps }) => [
      id,
      deps.filter(({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null)).map(({ pkg }) => pkg),
    ]),
  )
  const linked = new Set([root])
  // The loop visits what it adds.
  for (const id of linked) {
    for (const dependency of linkedBy.get(id)) if (!isMacro(crates.get(dependency))) linked.add(dependency)
  }
  return [...linked]
    .filter((id) => !own.includes(id))
    .map((id) => crates.get(id))
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1))
}

/**
 * Rust's standard library and the crates in it, from two pages of the toolchain: one is about the library and does not
 * name all of its crates, the other is about everything.
 * @param {string} sysroot the folder of the toolchain
 * @param {string} rustc the output of `rustc --version --verbose`
 * @throws when the pages are missing, or have a form that is not known here
 */
export function standardLibrary(sysroot, rustc) {
  const [, version] = /^rustc (\S+)/.exec(rustc)
  const [, host] = /^host: (.*)$/m.exec(rustc)
  const read = (path) => {
    const file = join(sysroot, 'share/doc/rust', path)
    if (!existsSync(file))
      throw new Error(
        `${file} is missing, which has the licences of Rust's standard library: use a toolchain of rustup, which contains it`,
      )
    return readFileSync(file, 'utf8')
  }
  const [about, ...library] = read('COPYRIGHT-library.html').split(CRATE)
  const built = new Set(
    readdirSync(join(sysroot, 'lib/rustlib', host, 'lib')).map((file) => /^lib(\w+)-[0-9a-f]+\.rlib$/.exec(file)?.[1]),
  )
  const isBuilt = ({ name }) => built.has(name.replaceAll('-', '_'))
  const named = library.map(crateOnPage).filter(isBuilt)
  const isNamed = ({ name }) => named.some((crate) => crate.name === name)
  const others = read('COPYRIGHT.html')
    .split(CRATE)
    .slice(1)
    .map(crateOnPage)
    .filter((crate) => isBuilt(crate) && !isNamed(crate))
  // It may name several versions of a crate, the newest last.
  const unnamed = [...new Map(others.map((crate) => [crate.name, crate])).values()]
  if (named.length === 0)
    throw new Error(`COPYRIGHT-library.html of ${sysroot} names no crate of the library: its form must have changed`)
  const mit = read('licenses/MIT.txt').replace(
    '<year> <copyright holders>',
    'The Rust Project Developers (see https://thanks.rust-lang.org)',
  )
  return [
    { name: 'rust-standard-library', version, license: 'MIT OR Apache-2.0', texts: [wordsOf(about), mit] },
    ...named,
    ...unnamed,
  ]
}

function crateOnPage(section) {
  const [, name, version] = /^([\w-]+?)-(\d[^<\s]*)<\/h3>/.exec(section) ?? []
  const [, license] = /<b>License:<\/b> ([^<]*)/.exec(section) ?? []
  if (name === undefined || license === undefined)
    throw new Error(`a licence page of the toolchain has an unknown form: ${section.slice(0, 200)}`)
  return {
    name,
    version,
    license,
    texts: [...section.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text]) => decoded(text)),
  }
}

function cargoMetadata() {
  const { targets } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).napi
  return JSON.parse(
    ask(
      'cargo',
      'metadata',
      '--locked',
      '--format-version',
      '1',
      ...targets.flatMap((target) => ['--filter-platform', target]),
    ),
  )
}

function part({ name, version, license, manifest_path: manifest }) {
  const texts = textsIn(dirname(manifest))
  return {
    name,
    version,
    license,
    texts:
      texts.length > 0 || ELSEWHERE[name] === undefined ? texts : textsIn(join(ROOT, 'node_modules', ELSEWHERE[name])),
  }
}

function isMacro({ targets }) {
  return targets.some(({ kind }) => kind.includes('proc-macro'))
}

/** The text of a page, without tags and empty lines. */
function wordsOf(html) {
  return decoded(html.replace(/<head>.*?<\/head>|<[^>]*>/gs, '')).replace(/^\s*\n/gm, '')
}

function decoded(html) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return html.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return named[name] ?? all
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal))
  })
}

function ask(program, ...args) {
  return execFileSync(program, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 })
}

const INTRODUCTION =
  'The binary contains the following crates, some of them on some platforms only, and the standard library of Rust.\n'
