/** What is published: the manifests and files of the packages, and what package linters say about them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { linksOf, parseDocument } from '../../__test__/helpers/markdown.mjs'
import { MOST_BYTES, linuxOffences, pathOffences } from '../check/binary.mjs'
import { withoutMachinePaths } from '../lib/machine-paths.mjs'
import { npm } from '../lib/npm.mjs'
import { platformManifests } from '../lib/platforms.mjs'
import { ROOT } from '../lib/root.mjs'
import { manifestIn, pack } from '../release/pack.mjs'
import { withRepository } from '../release/repository.mjs'

const MANIFEST = readJson(join(ROOT, 'package.json'))
const { PLATFORMS, platformName } = createRequire(import.meta.url)('../../dist/native/platform.js')
const WORKFLOW = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'some-one/some.thing' }
/** Bytes. The texts of all licences, besides the binary. */
const LICENCES = 500_000
const BINARY = join(ROOT, `mcp-client.${platformName()}.node`)

describe('the packages of the platforms', () => {
  test('are those that the loader knows', () => {
    assert.deepEqual(
      platformManifests()
        .map(({ platform }) => platform)
        .sort(),
      [...PLATFORMS].sort(),
    )
  })

  test('are as napi makes them from package.json, and say which C library their binary needs', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-npm-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'package.json'), JSON.stringify(MANIFEST))
    const cli = createRequire(import.meta.url)
      .resolve('@napi-rs/cli/package.json')
      .replace('package.json', 'dist/cli.js')
    execFileSync(process.execPath, [cli, 'create-npm-dirs'], { cwd: folder, stdio: 'ignore' })
    assert.deepEqual(readdirSync(join(ROOT, 'npm')).sort(), readdirSync(join(folder, 'npm')).sort())
    for (const { platform, manifest } of platformManifests()) {
      // napi assumes glibc for all of 32-bit ARM, and does not write it.
      const libc = platform.endsWith('gnueabihf') ? { libc: ['glibc'] } : {}
      assert.deepEqual(manifest, { ...readJson(join(folder, 'npm', platform, 'package.json')), ...libc })
    }
  })

  test('have the version of the main package, as the crates have', () => {
    for (const { manifest } of platformManifests()) assert.equal(manifest.version, MANIFEST.version, manifest.name)
    assert.equal(/^version = "(.*)"$/m.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'))[1], MANIFEST.version)
  })

  test('say for which operating system, processor and C library they are', () => {
    const libcs = { gnu: ['glibc'], gnueabihf: ['glibc'], musl: ['musl'] }
    for (const { platform, manifest } of platformManifests()) {
      const [os, cpu, abi] = platform.split('-')
      assert.deepEqual([manifest.os, manifest.cpu, manifest.libc], [[os], [cpu], libcs[abi]], platform)
    }
  })
})

describe('what is packed', () => {
  let folder
  let packed
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcp-packages-'))
    packed = pack(folder, { binary: BINARY, env: WORKFLOW })
  })
  after(() => rmSync(folder, { recursive: true, force: true }))
  const main = () => packed.find(({ manifest }) => manifest.name === MANIFEST.name)

  test('of the main package depends on each platform package in exactly its own version, and on nothing else', () => {
    const { optionalDependencies, dependencies } = main().manifest
    assert.deepEqual(
      optionalDependencies,
      Object.fromEntries(PLATFORMS.map((platform) => [`${MANIFEST.name}-${platform}`, MANIFEST.version]).sort()),
    )
    assert.equal(dependencies, undefined)
  })

  test('of the main package runs nothing when it is installed, and contains nothing that only a clone needs', () => {
    for (const field of ['scripts', 'devDependencies', 'overrides', 'napi'])
      assert.equal(main().manifest[field], undefined, field)
  })

  test('of a clone depends on nothing that may not be published yet', () => {
    assert.equal(MANIFEST.optionalDependencies, undefined)
  })

  test('of the main package is only what users need: no sources, tests, maps or native binaries', () => {
    const { files } = main()
    const documents = [
      'CHANGELOG.md',
      'LICENSE',
      'PROTOCOL.md',
      'README.md',
      'SECURITY.md',
      'dist/THIRD-PARTY-LICENSES.txt',
      'dist/browser/mcp-page.wasm',
      'package.json',
    ]
    const allowed = /^((dist\/.*|index)\.(js|mjs|d\.ts|d\.mts)|docs\/.*\.(md|svg|png))$/
    const others = files.filter((path) => !documents.includes(path) && !allowed.test(path))
    assert.deepEqual(others, [])
    for (const path of documents) assert.ok(files.includes(path), path)
    assert.deepEqual(
      files.filter((path) =>
        /(^|\/)(__test__|src|target|js|benches|scripts|node_modules)\/|\.(test|map|tsbuildinfo)\b/.test(path),
      ),
      [],
    )
    for (const path of files.filter((path) => path.endsWith('js'))) {
      assert.doesNotMatch(readFileSync(join(ROOT, path), 'utf8'), /^\/\/# sourceMappingURL=/m, path)
    }
  })

  test('of the main package has every file that its documents link to, and names others without a link', () => {
    const { files } = main()
    const documents = files.filter((path) => path.endsWith('.md'))
    assert.ok(documents.includes('docs/options.md'))
    for (const name of documents) {
      for (const target of linksOf(parseDocument(name, readFileSync(join(ROOT, name), 'utf8')))) {
        const [path] = target.split('#')
        if (path === '' || /^https:\/\//.test(path)) continue
        assert.ok(files.includes(posix.join(posix.dirname(name), path)), `${name}: ${target}`)
      }
    }
  })

  test('of the main package has every file that package.json names', () => {
    const { exports, imports, bin, main: entry, module, types } = main().manifest
    const named = leavesOf({ exports, imports, bin, entry, module, types })
    assert.ok(named.length > 20)
    for (const path of named) assert.ok(main().files.includes(path.slice(2)), path)
  })

  test('of a platform is its binary, a README and the licences, and of a platform that was not built no binary', () => {
    for (const { manifest, files } of packed.filter((one) => one !== main())) {
      const binary = manifest.name.endsWith(platformName()) ? [manifest.main] : []
      assert.deepEqual(
        files.sort(),
        ['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES.txt', ...binary, 'package.json'].sort(),
        manifest.name,
      )
    }
  })

  test('names the repository of the workflow that packs it, and none elsewhere: a clone does not know where it will be published from', () => {
    assert.equal(MANIFEST.repository, undefined)
    for (const { manifest } of platformManifests()) assert.equal(manifest.repository, undefined, manifest.name)
    assert.deepEqual(withRepository(MANIFEST, { env: {} }), MANIFEST)
    for (const { file } of packed) {
      const { name, repository } = manifestIn(file)
      const directory = name === MANIFEST.name ? {} : { directory: `npm/${name.slice(MANIFEST.name.length + 1)}` }
      assert.deepEqual(repository, { type: 'git', url: 'git+https://github.com/some-one/some.thing.git', ...directory })
    }
  })

  test('is within the budget of 5 MB, unpacked, half a megabyte of licences included', () => {
    const sizes = Object.values(
      JSON.parse(
        npm(['pack', '--json', '--dry-run', '--ignore-scripts', ...packed.map(({ file }) => file)], { output: true }),
      ),
    ).map(({ unpackedSize }) => unpackedSize)
    assert.equal(sizes.length, packed.length)
    for (const size of sizes) assert.ok(size > 0 && size <= MOST_BYTES + LICENCES, `${size} bytes`)
  })

  test('for publishing must include all binaries', () => {
    assert.throws(
      () => pack(join(folder, 'published'), { binary: '/no/such.node' }),
      /\.node is missing: build it for .*, or fetch it with "napi artifacts"/,
    )
  })

  test('has types that every way of resolving modules finds and that fit what is run', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(main().file)))
    assert.ok(Object.keys(analysis.entrypoints).length >= 8, 'all entries are checked')
    // TypeScript before 4.7, and "moduleResolution": "node10", do not know `exports`; there only the main entry is
    // found.
    const told = analysis.problems
      .filter(({ kind, resolutionKind }) => !(kind === 'NoResolution' && resolutionKind === 'node10'))
      // Nobody requires the script of a worker: its URL is asked for.
      .filter(({ kind, entrypoint }) => !(kind === 'CJSResolvesToESM' && entrypoint === './portable/worker'))
    assert.deepEqual(told, [])
  })

  test('has no findings of publint', async () => {
    const { messages, pkg } = await publint({ pack: { tarball: Uint8Array.from(readFileSync(main().file)).buffer } })
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    )
  })
})

describe('the binary', () => {
  test('is within its budget of 4.5 MB', () => {
    assert.equal(MOST_BYTES, 4_500_000)
    const { size } = statSync(BINARY)
    assert.ok(size > 500_000 && size <= MOST_BYTES, `${size} bytes`)
  })

  test('for Linux is refused if it needs a newer glibc than 2.17 or another library, or is not stripped', () => {
    const good = {
      versions: 'Name: GLIBC_2.2.5  Flags: none  Version: 3\n  0x0050:   Name: GLIBC_2.17  Flags: none  Version: 2',
      dynamic: '(NEEDED) Shared library: [libc.so.6]\n (NEEDED) Shared library: [ld-linux-x86-64.so.2]',
      sections: '[ 1] .dynsym DYNSYM',
    }
    assert.deepEqual(linuxOffences(good), [])
    assert.deepEqual(linuxOffences({ ...good, versions: good.versions.replace('2.17', '2.18') }), [
      'needs GLIBC_2.18: at most 2.17 is allowed',
    ])
    assert.deepEqual(linuxOffences({ ...good, versions: good.versions.replace('2.17', '2.2.34') }), [])
    assert.deepEqual(linuxOffences({ ...good, versions: good.versions.replace('2.17', '3.0') }), [
      'needs GLIBC_3.0: at most 2.17 is allowed',
    ])
    assert.deepEqual(linuxOffences({ ...good, dynamic: '(NEEDED) Shared library: [libssl.so.3]' }), [
      'needs libssl.so.3, which not every system has',
    ])
    assert.deepEqual(linuxOffences({ ...good, sections: '[30] .symtab SYMTAB' }), [
      'is not stripped: it has a symbol table',
    ])
    assert.deepEqual(linuxOffences({ ...good, versions: '' }), ['names no version of glibc: it cannot be judged'])
  })

  test('is refused if it names the home folder, the checkout or the folder of crates', () => {
    const offencesOf = (text) => pathOffences(Buffer.from(`\0\xff${text}\0`, 'latin1'), ['/home/ann', 'C:\\Users\\ann'])
    assert.deepEqual(offencesOf('/cargo/registry/src/tokio-1.54.1/src/lib.rs\0/source/src/lib.rs\0/home/anna/x'), [])
    assert.deepEqual(offencesOf('/home/ann/client/src/lib.rs'), [
      'names /home/ann/, a folder of the machine that built it',
    ])
    assert.deepEqual(offencesOf('C:\\Users\\ann\\client'), [
      'names C:\\Users\\ann\\, a folder of the machine that built it',
    ])
    assert.deepEqual(offencesOf('/Users/bob/.cargo/registry/src'), [
      'names .cargo/registry, a folder of the machine that built it',
    ])
  })

  test('is built with flags that replace these folders, besides those of the environment', () => {
    const folders = { source: '/home/ann/client', cargo: '/home/ann/.cargo', rust: '/with a space' }
    const flagsOf = (env, target) => withoutMachinePaths(env, target, folders).RUSTFLAGS
    const remapped = '--remap-path-prefix=/home/ann/client=/source --remap-path-prefix=/home/ann/.cargo=/cargo'
    assert.equal(flagsOf({}, 'x86_64-unknown-linux-gnu'), remapped)
    assert.equal(flagsOf({ RUSTFLAGS: '-Cdebuginfo=0' }, 'x86_64-pc-windows-msvc'), `-Cdebuginfo=0 ${remapped}`)
    assert.match(flagsOf({}, 'aarch64-apple-darwin'), / -Clink-arg=-Wl,-install_name,@rpath\/mcp-client\.node$/)
  })
})

/** The strings in nested objects. */
function leavesOf(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(leavesOf)
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
