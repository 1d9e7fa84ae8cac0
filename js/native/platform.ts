/** The name of this platform, as binaries have it. */
import { Buffer } from 'node:buffer'
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { arch, execPath, platform, report as diagnosticReport, version } from 'node:process'

export const PACKAGE = '@mcp-integration/client'

/** The platforms with published binaries, each in a package of its own under npm/. */
export const PLATFORMS: readonly string[] = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-arm-gnueabihf',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
]

/** Operating system, processor and C library, as in `linux-x64-gnu`. */
export function platformName(): string {
  if (platform === 'win32') return `${platform}-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  return `${platform}-${arch}-${isMusl() ? 'musl' : 'gnu'}${arch === 'arm' ? 'eabihf' : ''}`
}

/** The platform and the version of Node.js, for error messages. */
export function platformWords(): string {
  const libc = platform === 'linux' ? ` with ${isMusl() ? 'musl' : 'glibc'}` : ''
  return `${platform} ${arch}${libc}, Node.js ${version}`
}

/** How musl names an architecture in `/lib/ld-musl-x86_64.so.1`, by `process.arch`. */
const LINKERS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armhf' }

/**
 * The dynamic linker shows it: if that of musl is not installed, nothing can need it; if it is, the program names its
 * own linker in its head. The diagnostic report comes last, because it takes longer than everything else in loading.
 */
function isMusl(): boolean {
  const linker = LINKERS[arch]
  if (linker !== undefined && isAbsent(`/lib/ld-musl-${linker}.so.1`)) return false
  const head = headOf(execPath)
  if (head.includes('/ld-musl-')) return true
  if (head.includes('/ld-linux-')) return false
  const header = reportHeader()
  return header !== undefined && header.glibcVersionRuntime === undefined
}

/** False if a permission model does not let us look. */
function isAbsent(path: string): boolean {
  try {
    return !existsSync(path)
  } catch {
    return false
  }
}

/** Empty if the program cannot be read; it may have been replaced since it was started, or reading is not allowed. */
function headOf(path: string): Buffer {
  try {
    const head = Buffer.alloc(4096)
    const file = openSync(path, 'r')
    readSync(file, head)
    closeSync(file)
    return head
  } catch {
    return Buffer.alloc(0)
  }
}

/** Of the diagnostic report, which would else look up the names of all that this process is connected to. */
function reportHeader(): { readonly glibcVersionRuntime?: string } | undefined {
  const report = diagnosticReport as (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined
  if (report === undefined) return undefined
  const { excludeNetwork } = report
  try {
    report.excludeNetwork = true
    return (report.getReport() as { header?: { glibcVersionRuntime?: string } }).header
  } catch {
    return undefined
  } finally {
    if (excludeNetwork !== undefined) report.excludeNetwork = excludeNetwork
  }
}
