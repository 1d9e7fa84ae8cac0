/** The release command: what it refuses, and what it changes in a checkout. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { folderOf } from '../../__test__/helpers/documents.mjs'
import { serveRegistry } from '../lib/install/registry.mjs'
import { ROOT } from '../lib/root.mjs'
import { announcement } from '../release/announce.mjs'
import { notesOf, release, unreleased } from '../release/changelog.mjs'
import { tagOffences } from '../release/check-tag.mjs'
import { makeRelease } from '../release/make.mjs'
import { pack } from '../release/pack.mjs'
import { Refusal, parseArguments, plan } from '../release/plan.mjs'
import { repositoryOffence, withRepository } from '../release/repository.mjs'
import { setVersions, versionsIn } from '../release/versions.mjs'

const { platformName } = createRequire(import.meta.url)('../../dist/native/platform.js')

const CHANGELOG =
  '# Changelog\n\nWhat changes.\n\n## Unreleased\n\n- A thing.\n- Another.\n\n## 0.1.0 (2026-01-02)\n\n- The first.\n'

/** A repository with this project's own manifests, all of version 0.1.0. */
let template
before(() => {
  template = mkdtempSync(join(tmpdir(), 'mcp-checkout-'))
  makeCheckout(template)
})
after(() => rmSync(template, { recursive: true, force: true }))

/** A copy of it. */
async function checkout(t) {
  const root = await folderOf(t, {})
  cpSync(template, root, { recursive: true })
  return root
}

function makeCheckout(root) {
  writeFileSync(join(root, 'CHANGELOG.md'), CHANGELOG)
  const manifests = readdirSync(join(ROOT, 'npm')).map((name) => `npm/${name}/package.json`)
  for (const file of [
    'package.json',
    'package-lock.json',
    'Cargo.toml',
    'Cargo.lock',
    'fuzz/Cargo.lock',
    ...manifests,
  ]) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    cpSync(join(ROOT, file), join(root, file))
  }
  setVersions(root, '0.1.0')
  git(root, 'init', '--quiet', '--initial-branch=main')
  for (const [name, value] of Object.entries({
    'user.name': 'A',
    'user.email': 'a@example.com',
    'commit.gpgSign': 'false',
    'tag.gpgSign': 'false',
  }))
    git(root, 'config', name, value)
  git(root, 'add', '.')
  git(root, 'commit', '--quiet', '--message', 'Begin')
}

function git(root, ...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' })
}

function write(root, file, change) {
  writeFileSync(join(root, file), change(readFileSync(join(root, file), 'utf8')))
}

describe('a release is refused in one sentence', () => {
  const RELEASE = { version: '0.2.0', dryRun: false }
  const refusal = (root, options = RELEASE) => {
    let message
    assert.throws(
      () => plan(root, options),
      (error) => {
        message = error.message
        return error instanceof Refusal
      },
    )
    assert.doesNotMatch(message, /\n/)
    return message
  }

  test('if no version is given, with the next one as an example', async (t) => {
    assert.match(
      refusal(await checkout(t), { dryRun: false }),
      /^Name the version to release, which must be above 0\.1\.0.*npm run release -- 0\.1\.1$/,
    )
  })

  test('for what is not a version', async (t) => {
    const root = await checkout(t)
    for (const version of ['1', '1.2', 'v1.2.3', '1.2.3.4', '01.2.3', '1.2.3+build', 'next', '']) {
      assert.equal(
        refusal(root, { version, dryRun: true }),
        `"${version}" is not a version: write 1.2.3, or 1.2.3-rc.1 for a release candidate`,
      )
    }
  })

  test('for a version that is not above that of the package', async (t) => {
    const root = await checkout(t)
    for (const version of ['0.1.0', '0.0.9', '0.1.0-rc.1']) {
      assert.equal(
        refusal(root, { version, dryRun: false }),
        `${version} is not above the version in package.json, 0.1.0: choose a higher one`,
      )
    }
  })

  test('for a working tree with uncommitted changes', async (t) => {
    const root = await checkout(t)
    write(root, 'Cargo.toml', (text) => `${text}\n`)
    assert.match(refusal(root), /has uncommitted changes \(Cargo\.toml\): commit or stash them/)
    writeFileSync(join(root, 'new'), '')
    assert.match(refusal(root), /\(Cargo\.toml and 1 more\)/)
  })

  test('for a changelog without unreleased changes', async (t) => {
    const root = await checkout(t)
    for (const text of [CHANGELOG.replace(/- A.*\n- A.*\n/, ''), CHANGELOG.replace(/## Unreleased\n/, '')]) {
      write(root, 'CHANGELOG.md', () => text)
      git(root, 'commit', '--quiet', '--all', '--message', 'Change')
      assert.match(refusal(root), /^CHANGELOG\.md has nothing under "Unreleased": list the changes/)
    }
  })

  test('for a tag that exists', async (t) => {
    const root = await checkout(t)
    git(root, 'tag', 'v0.2.0')
    assert.equal(refusal(root), 'The tag v0.2.0 already exists: choose a higher version')
  })

  test('for places that do not agree on the version', async (t) => {
    for (const [file, was] of [
      ['Cargo.toml', 'version = "0.1.0"'],
      ['Cargo.lock', 'name = "mcp-client"\nversion = "0.1.0"'],
      ['Cargo.lock', 'name = "mcp-protocol"\nversion = "0.1.0"'],
      ['fuzz/Cargo.lock', 'name = "mcp-sim"\nversion = "0.1.0"'],
      ['npm/linux-x64-gnu/package.json', '"version": "0.1.0"'],
      ['package-lock.json', '"version": "0.1.0"'],
    ]) {
      const root = await checkout(t)
      write(root, file, (text) => text.replace(was, was.replace('0.1.0', '0.0.9')))
      assert.equal(refusal(root), `package.json has version 0.1.0, but ${file} has 0.0.9: make them the same`)
    }
  })

  test('for unknown arguments', () => {
    for (const [args, words] of [
      [['--force'], /^Unknown option --force: npm run release -- \[version\] \[--dry-run/],
      [['1.0.0', '2.0.0'], /^Expected one version, got 1\.0\.0 and 2\.0\.0/],
      [['1.0.0', '--debug'], /^--debug works only with --dry-run/],
    ]) {
      assert.throws(
        () => parseArguments(args),
        (error) => error instanceof Refusal && words.test(error.message),
      )
    }
  })

  test('and the command prints only that, and exits with 1', () => {
    assert.throws(
      () =>
        execFileSync(process.execPath, [join(ROOT, 'scripts/release/make.mjs'), '1.2', '--dry-run'], {
          stdio: 'pipe',
          encoding: 'utf8',
        }),
      ({ status, stdout, stderr }) =>
        status === 1 &&
        stdout === '' &&
        stderr === '"1.2" is not a version: write 1.2.3, or 1.2.3-rc.1 for a release candidate\n',
    )
  })
})

describe('a release', () => {
  test('sets the version in all places, and changes no other line', async (t) => {
    const root = await checkout(t)
    const { tag, files } = makeRelease(root, plan(root, { version: '1.0.0-rc.1', dryRun: false }), '2026-03-04')
    assert.equal(tag, 'v1.0.0-rc.1')
    assert.deepEqual([...new Set(versionsIn(root).map(({ version }) => version))], ['1.0.0-rc.1'])
    assert.deepEqual(new Set(git(root, 'diff', '--name-only', 'HEAD~1').trim().split('\n')), new Set(files))
    const changed = git(root, 'diff', '--unified=0', 'HEAD~1', '--', ':!CHANGELOG.md')
      .split('\n')
      .filter((line) => /^[-+][^-+]/.test(line))
    for (const line of changed) assert.match(line, /version"?(:| =) "(0\.1\.0|1\.0\.0-rc\.1)"/)
    assert.equal(changed.length, 2 * versionsIn(root).length)
  })

  test('is one commit with an annotated tag that lists the changes, and leaves the tree clean', async (t) => {
    const root = await checkout(t)
    makeRelease(root, '0.2.0', '2026-03-04')
    assert.equal(git(root, 'log', '--format=%s'), 'Release 0.2.0\nBegin\n')
    assert.equal(
      git(root, 'for-each-ref', '--format=%(objecttype) %(contents)', 'refs/tags/v0.2.0').trim(),
      'tag 0.2.0\n\n- A thing.\n- Another.',
    )
    assert.equal(git(root, 'status', '--porcelain'), '')
  })

  test('can be followed by another one once there are new changes', async (t) => {
    const root = await checkout(t)
    makeRelease(root, plan(root, { version: '0.2.0', dryRun: false }))
    assert.throws(() => plan(root, { version: '0.2.1', dryRun: false }), /nothing under "Unreleased"/)
    write(root, 'CHANGELOG.md', (text) => text.replace('## Unreleased\n', '## Unreleased\n\n- More.\n'))
    git(root, 'commit', '--quiet', '--all', '--message', 'Do more')
    assert.equal(plan(root, { dryRun: true }), '0.2.1')
  })
})

describe('publishing', () => {
  const publish = (...args) =>
    promisify(execFile)(process.execPath, [join(ROOT, 'scripts/release/publish.mjs'), ...args])
  let folder
  let packages
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcp-publishing-'))
    packages = pack(folder, { binary: join(ROOT, `mcp-client.${platformName()}.node`), env: {} })
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('publishes every package of the version, the main one last, and skips those that exist', async (t) => {
    const registry = await serveRegistry(packages.slice(0, 1))
    t.after(() => registry.close())
    const { stdout } = await publish(folder, '--registry', registry.url)
    const told = packages.map(
      ({ manifest: { name, version } }, index) =>
        `${name}@${version} ${index === 0 ? 'is already published' : 'is published as latest'}`,
    )
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.startsWith(packages.at(-1).manifest.name)),
      told,
    )
    for (const { manifest, file } of packages) {
      const { versions } = await (await fetch(`${registry.url}${manifest.name}`)).json()
      assert.equal(versions[manifest.version].dist.integrity, integrityOf(file), manifest.name)
    }
  })

  test('publishes nothing while a package is missing', async (t) => {
    const registry = await serveRegistry([])
    t.after(() => registry.close())
    await assert.rejects(publish(await folderOf(t, {}), '--registry', registry.url), ({ stderr }) =>
      /lacks mcp-integration-client-.*: pack all packages/.test(stderr),
    )
  })

  describe('to npm', () => {
    const WORKFLOW = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'some-one/some-thing' }
    /** The error message. Nothing listens at this registry, in case it is tried nevertheless. */
    const refusal = async (env) => {
      const { GITHUB_SERVER_URL: _, GITHUB_REPOSITORY: __, ...rest } = process.env
      const publishing = promisify(execFile)(process.execPath, [join(ROOT, 'scripts/release/publish.mjs'), folder], {
        env: { ...rest, npm_config_registry: 'http://127.0.0.1:9/', ...env },
      })
      const { code, stdout, stderr } = await publishing.then(
        () => assert.fail('it was published'),
        (error) => error,
      )
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /^nothing is published: .*\n$/)
      return stderr
    }

    test('is refused outside of a workflow, and for packages that name no repository', async () => {
      assert.match(await refusal({}), /npm accepts provenance only from a workflow: let release\.yml publish/)
      assert.match(
        await refusal(WORKFLOW),
        /client-darwin-arm64 was packed with no repository, and the workflow runs in git\+https:\/\/github\.com\/some-one\/some-thing\.git, so npm would refuse it: let this workflow pack it/,
      )
    })

    test('is refused for packages that name another repository than the workflow runs in', () => {
      const manifest = withRepository({ name: 'a' }, { env: { ...WORKFLOW, GITHUB_REPOSITORY: 'some-one/else' } })
      assert.match(
        repositoryOffence([manifest], WORKFLOW),
        /^a was packed with the repository git\+https:\/\/github\.com\/some-one\/else\.git, and the workflow runs in \S+thing\.git, so npm/,
      )
    })

    test('needs all variables of a workflow if one of them is set', () => {
      for (const wrong of [
        { GITHUB_REPOSITORY: 'nothing' },
        { GITHUB_REPOSITORY: '' },
        { GITHUB_SERVER_URL: 'http://github.com' },
        { GITHUB_SERVER_URL: undefined },
      ]) {
        assert.throws(
          () => repositoryOffence([], { ...WORKFLOW, ...wrong }),
          /^Error: GITHUB_SERVER_URL is ".*" and GITHUB_REPOSITORY is ".*": set them as a workflow does/,
        )
      }
    })

    test('is allowed once the workflow itself has packed them', () => {
      const packed = [{ name: 'a' }, { name: 'b' }].map((manifest) => withRepository(manifest, { env: WORKFLOW }))
      assert.equal(repositoryOffence(packed, WORKFLOW), null)
      assert.match(repositoryOffence([...packed, { name: 'c' }], WORKFLOW), /^c was packed with no repository/)
    })

    test('is refused if package.json names another repository', () => {
      const named = (repository) => withRepository({ name: 'a', repository }, { env: WORKFLOW })
      assert.equal(
        named({ type: 'git', url: 'git+https://github.com/some-one/some-thing.git' }).repository.url,
        'git+https://github.com/some-one/some-thing.git',
      )
      for (const other of [{ url: 'git+https://github.com/some-one/else.git' }, 'github:some-one/else']) {
        assert.throws(
          () => named(other),
          /^Error: package\.json of a names the repository \S+else\S*, and the workflow runs in \S+thing\.git, so npm would refuse it: correct "repository" in package\.json, or remove it$/,
        )
      }
    })
  })

  test('is preceded by reserving the names: an empty version of each package that the registry does not have', async (t) => {
    const [
      {
        manifest: { name },
      },
      ...others
    ] = packages
    const registry = await serveRegistry(others)
    t.after(() => registry.close())
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(ROOT, 'scripts/release/reserve-names.mjs'),
      '--registry',
      registry.url,
    ])
    const lines = stdout.split('\n').filter((line) => line.startsWith('@mcp-integration/') && !line.includes('@0.0.0'))
    assert.deepEqual(lines, [`${name} is reserved`, ...others.map(({ manifest }) => `${manifest.name} already exists`)])
    const { versions } = await (await fetch(`${registry.url}${name}`)).json()
    assert.deepEqual(Object.keys(versions), ['0.0.0'])
  })

  test('is refused by the test registry if a part is missing', async (t) => {
    const registry = await serveRegistry([])
    t.after(() => registry.close())
    for (const body of ['', '{}', 'null', '{"name":"x","versions":{}}']) {
      assert.equal((await fetch(`${registry.url}x`, { method: 'PUT', body })).status, 400)
    }
    assert.equal((await fetch(`${registry.url}x`)).status, 404)
  })

  function integrityOf(file) {
    return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
  }
})

describe('a tag', () => {
  test('must have the version of all places, and a section in the changelog', async (t) => {
    const root = await checkout(t)
    const { tag } = makeRelease(root, '0.2.0', '2026-03-04')
    assert.deepEqual(tagOffences(root, tag), [])
    assert.deepEqual(tagOffences(root, 'v0.1.0').slice(-1), [
      'The tag is v0.1.0, but fuzz/Cargo.lock has version 0.2.0',
    ])
    assert.equal(tagOffences(root, 'v0.3.0').at(-1), 'CHANGELOG.md has no section about 0.3.0')
  })

  test('becomes a page with its section of the changelog, marked as a prerelease if it is one', () => {
    const changelog = release(CHANGELOG, '1.0.0-rc.1', '2026-03-04')
    const args = announcement(changelog, 'v1.0.0-rc.1', ['a.tgz'])
    assert.deepEqual(args, [
      'release',
      'create',
      'v1.0.0-rc.1',
      '--verify-tag',
      '--title',
      '1.0.0-rc.1',
      '--notes',
      '- A thing.\n- Another.',
      '--prerelease',
      'a.tgz',
    ])
    assert.ok(!announcement(changelog, 'v0.1.0', []).includes('--prerelease'))
  })
})

describe('the changelog', () => {
  test('moves the unreleased changes under the version and its day, below an empty "Unreleased"', () => {
    const after = release(CHANGELOG, '0.2.0', '2026-03-04')
    assert.equal(after, CHANGELOG.replace('## Unreleased\n', '## Unreleased\n\n## 0.2.0 (2026-03-04)\n'))
    assert.equal(unreleased(after), '')
    assert.equal(notesOf(after, '0.2.0'), '- A thing.\n- Another.')
    assert.equal(notesOf(after, '0.1.0'), '- The first.')
    assert.equal(notesOf(after, '0.3.0'), '')
  })
})
