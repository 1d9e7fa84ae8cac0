/**
 * Fresh projects that install the packages as users do, and the runtimes and package managers that install and run
 * them.
 */
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from '../root.mjs'
import { serveRegistry } from './registry.mjs'

/** A cache, because runtimes are large. */
const TOOLS = join(ROOT, 'node_modules/.cache/test-install')
export const NAME = '@mcp-integration/client'

/** ms; a command that takes longer is stuck. */
const LONGEST = 300_000
const IS_WINDOWS = process.platform === 'win32'

/**
 * A workspace whose registry has these packages.
 * @param {{ manifest: object, file: string }[]} packages their files are no longer needed once this has resolved
 * @returns {Promise<Workspace>}
 */
export async function openWorkspace(packages) {
  return new Workspace(realpathSync(mkdtempSync(join(tmpdir(), 'mcp-install-'))), await serveRegistry(packages))
}

class Workspace {
  #folder
  #count = 0

  constructor(folder, registry) {
    this.#folder = folder
    this.registry = registry
  }

  /**
   * A project with these files (path: text, or a value that becomes JSON), whose package managers use the registry.
   */
  project(files = {}) {
    const project = new Project(join(this.#folder, `project-${++this.#count}`))
    project.write({
      'package.json': { name: 'a-project', version: '1.0.0', private: true },
      '.npmrc': `@mcp-integration:registry=${this.registry.url}\n`,
      ...files,
    })
    return project
  }

  /** A project into which npm has installed the client and these packages. */
  async installed(files = {}, packages = []) {
    const project = this.project(files)
    await project.npm('install', NAME, ...packages)
    return project
  }

  async close() {
    await this.registry.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export class Project {
  constructor(folder) {
    this.folder = folder
  }

  write(files) {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true })
      writeFileSync(join(this.folder, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    }
  }

  /** Runs a program in the project. @returns {Promise<{ code: number, stdout: string, stderr: string }>} */
  run(program, args, { env = {}, codes = [0] } = {}) {
    return new Promise((resolve, reject) => {
      const options = {
        cwd: this.folder,
        env: { ...cleanEnvironment(), ...this.#caches(), ...env },
        timeout: LONGEST,
        killSignal: 'SIGKILL',
        maxBuffer: 2 ** 26,
        shell: IS_WINDOWS && /\.cmd$|^npm$/.test(program),
      }
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        const code = error ? error.code : 0
        if (codes.includes(code)) resolve({ code, stdout, stderr })
        else
          reject(
            new Error(
              `${[program, ...args].join(' ')} ended with ${code ?? error.signal}:\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`,
            ),
          )
      })
      child.stdin.end()
    })
  }

  /**
   * Caches for this run only: some package managers never fetch the same version, or the same URL, twice.
   */
  #caches() {
    const folder = join(dirname(this.folder), 'caches')
    const names = [
      'BUN_INSTALL_CACHE_DIR',
      'DENO_DIR',
      'YARN_CACHE_FOLDER',
      'YARN_GLOBAL_FOLDER',
      'XDG_CACHE_HOME',
      'XDG_DATA_HOME',
    ]
    return Object.fromEntries(names.map((name) => [name, join(folder, name)]))
  }

  npm(...args) {
    return this.run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'])
  }

  /** The program of an installed package. */
  program(name) {
    return join(this.folder, 'node_modules/.bin', IS_WINDOWS ? `${name}.cmd` : name)
  }

  /** Runs a program of an installed package with this Node.js. */
  bin(packageName, name, args, options) {
    const { bin } = this.read(`node_modules/${packageName}/package.json`)
    const script = typeof bin === 'string' ? bin : bin[name]
    return this.run(process.execPath, [join('node_modules', packageName, script), ...args], options)
  }

  /** Runs a script of the project with Node.js; it must print the result of a call and end by itself. */
  async answers(script, { program = process.execPath, flags = [] } = {}) {
    const { stdout } = await this.run(program, [...flags, script])
    if (stdout.trim() !== ANSWER) throw new Error(`${script} has printed ${stdout}, not ${ANSWER}`)
  }

  versionOf(packageName) {
    return this.read(`node_modules/${packageName}/package.json`).version
  }

  read(path) {
    const text = readFileSync(join(this.folder, path), 'utf8')
    return path.endsWith('.json') ? JSON.parse(text) : text
  }

  remove(path) {
    rmSync(join(this.folder, path), { recursive: true, force: true })
  }

  has(path) {
    return existsSync(join(this.folder, path))
  }
}

/** A package with programs, fetched into a cache. @returns the project in which it is installed */
export async function tool(spec) {
  const folder = join(TOOLS, spec.replaceAll('/', '+'))
  if (!existsSync(folder)) {
    const fresh = `${folder}.${process.pid}`
    mkdirSync(fresh, { recursive: true })
    writeFileSync(join(fresh, 'package.json'), '{"private":true}')
    await new Project(fresh).npm('install', spec)
    renameSync(fresh, folder)
  }
  return new Project(folder)
}

/** Node.js of a major version: its path and its full version. */
export async function nodeOf(major) {
  const system = { win32: 'win' }[process.platform] ?? process.platform
  const name = `node-${system}-${process.arch}`
  const project = await tool(`${name}@${major}`)
  return {
    program: join(project.folder, 'node_modules', name, 'bin', IS_WINDOWS ? 'node.exe' : 'node'),
    version: project.versionOf(name).replace(/^v/, ''),
  }
}

/** Makes a call to a server of its own. */
const PROGRAM = `
async function main() {
  const server = await MCPTestServer.listen()
  const client = new MCPClient(server.url)
  const answer = await client.useTool('echo', { hello: 'world' })
  await client.close()
  await server.close()
  return answer
}`
export const ANSWER = '{"hello":"world"}'
const PRINT = 'main().then((answer) => console.log(JSON.stringify(answer)))'
const IMPORTS = `import { MCPClient } from '${NAME}'\nimport { MCPTestServer } from '${NAME}/testing'\n`
const REQUIRES = `const { MCPClient } = require('${NAME}')\nconst { MCPTestServer } = require('${NAME}/testing')\n`

export const PROGRAMS = {
  'app.mjs': `${IMPORTS}${PROGRAM}\n${PRINT}\n`,
  'app.cjs': `${REQUIRES}${PROGRAM}\n${PRINT}\n`,
}
/** The same without the last line: other programs call `main()`. */
export const MAIN = { import: IMPORTS + PROGRAM, require: REQUIRES + PROGRAM }

/** The environment without the variables that `npm run` and the test runner add. */
function cleanEnvironment() {
  const added =
    /^(npm_(package|lifecycle|config_(local|global)_prefix|config_prefix|command|execpath|node_execpath)|INIT_CWD$|NODE_TEST_CONTEXT$|NODE_OPTIONS$|MCP_)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.test(name)))
}
