/** Finds and loads the native binary of this platform. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type * as Binding from './binding.js'

type Native = typeof Binding

const ROOT = join(__dirname, '..')

/** The binary, loaded. */
export const native: Native = load()

function load(): Native {
  const override = process.env['MCP_CLIENT_NATIVE_PATH']
  if (override !== undefined && override !== '') return open(override)
  const triple = platformTriple()
  const beside = join(ROOT, `mcp-client.${triple}.node`)
  return open(existsSync(beside) ? beside : `@mcp-integration/client-${triple}`)
}

function open(path: string): Native {
  try {
    return require(path) as Native
  } catch (cause) {
    const here = `${process.platform}-${process.arch}, Node.js ${process.version}`
    throw new Error(
      `the native part of @mcp-integration/client could not be loaded on ${here} (looked for ${path}): ` +
        'install the package with its optional dependencies on this platform, build it with `npm run build`, ' +
        'or set MCP_CLIENT_NATIVE_PATH to the .node file',
      { cause },
    )
  }
}

function platformTriple(): string {
  const { platform, arch } = process
  if (platform === 'win32') return `${platform}-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  const abi = arch === 'arm' ? 'gnueabihf' : isMusl() ? 'musl' : 'gnu'
  return `${platform}-${arch}-${abi}`
}

/** By the dynamic linker that the program names in its head; asking the diagnostic report takes longer than all the rest of loading. */
function isMusl(): boolean {
  const head = headOf(process.execPath)
  if (/\/ld-(musl|linux)-/.test(head)) return head.includes('/ld-musl-')
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return report?.header?.glibcVersionRuntime === undefined
}

function headOf(path: string): string {
  const head = Buffer.alloc(4096)
  const file = openSync(path, 'r')
  readSync(file, head)
  closeSync(file)
  return head.toString('latin1')
}
