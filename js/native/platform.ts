/** Which platform this is, by the name that its binary has. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'

export const PACKAGE = '@mcp-integration/client'

/** Those that binaries are published for, each in a package of its own under npm/. */
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
  const { platform, arch } = process
  if (platform === 'win32') return `${platform}-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  return `${platform}-${arch}-${isMusl() ? 'musl' : 'gnu'}${arch === 'arm' ? 'eabihf' : ''}`
}

/** The same and the version of Node.js, in words for a message. */
export function platformWords(): string {
  const { platform, arch, version } = process
  const libc = platform === 'linux' ? ` with ${isMusl() ? 'musl' : 'glibc'}` : ''
  return `${platform} ${arch}${libc}, Node.js ${version}`
}

/** Of musl by `process.arch`, as in `/lib/ld-musl-x86_64.so.1`. */
const LINKERS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armhf' }

/**
 * By the dynamic linker: where that of musl is not installed nothing can need it, and else the program names its own in
 * its head. Asking the diagnostic report takes longer than all the rest of loading.
 */
function isMusl(): boolean {
  const linker = LINKERS[process.arch]
  if (linker !== undefined && isAbsent(`/lib/ld-musl-${linker}.so.1`)) return false
  const head = headOf(process.execPath)
  if (head.includes('/ld-musl-')) return true
  if (head.includes('/ld-linux-')) return false
  const header = reportHeader()
  return header !== undefined && header.glibcVersionRuntime === undefined
}

/** Not where a permission model denies the look. */
function isAbsent(path: string): boolean {
  try {
    return !existsSync(path)
  } catch {
    return false
  }
}

/** Nothing where the program cannot be read: it may have been replaced since it was started, or may not be read. */
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
  const report = process.report as (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined
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
