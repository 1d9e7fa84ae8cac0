/**
 * The binary that Bun has put into a bundle or an executable: Bun follows names that are written out, to binaries too.
 * Packages that are not installed are left out of it.
 */

/** @returns what the binary exports, or `undefined` */
export function bundledBinary(platform: string): unknown {
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require('@mcp-integration/client-linux-x64-gnu')
      case 'linux-x64-musl':
        return require('@mcp-integration/client-linux-x64-musl')
      case 'linux-arm64-gnu':
        return require('@mcp-integration/client-linux-arm64-gnu')
      case 'linux-arm64-musl':
        return require('@mcp-integration/client-linux-arm64-musl')
      case 'linux-arm-gnueabihf':
        return require('@mcp-integration/client-linux-arm-gnueabihf')
      case 'darwin-x64':
        return require('@mcp-integration/client-darwin-x64')
      case 'darwin-arm64':
        return require('@mcp-integration/client-darwin-arm64')
      case 'win32-x64-msvc':
        return require('@mcp-integration/client-win32-x64-msvc')
      case 'win32-arm64-msvc':
        return require('@mcp-integration/client-win32-arm64-msvc')
      default:
        return undefined
    }
  } catch {
    return undefined
  }
}
