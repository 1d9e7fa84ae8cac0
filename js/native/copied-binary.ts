/**
 * Where installers put the binary of each platform, seen from this file. The paths are written out for the tools that
 * read them without running the code, and copy the files: ncc, and the tracers of Next.js, Nuxt and serverless
 * platforms.
 */

/** @returns a path; `undefined` of a platform without a binary, and in a bundle that is an ES module */
export function bundledBinary(platform: string): unknown {
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return `${__dirname}/../../../client-linux-x64-gnu/mcp-client.linux-x64-gnu.node`
      case 'linux-x64-musl':
        return `${__dirname}/../../../client-linux-x64-musl/mcp-client.linux-x64-musl.node`
      case 'linux-arm64-gnu':
        return `${__dirname}/../../../client-linux-arm64-gnu/mcp-client.linux-arm64-gnu.node`
      case 'linux-arm64-musl':
        return `${__dirname}/../../../client-linux-arm64-musl/mcp-client.linux-arm64-musl.node`
      case 'linux-arm-gnueabihf':
        return `${__dirname}/../../../client-linux-arm-gnueabihf/mcp-client.linux-arm-gnueabihf.node`
      case 'darwin-x64':
        return `${__dirname}/../../../client-darwin-x64/mcp-client.darwin-x64.node`
      case 'darwin-arm64':
        return `${__dirname}/../../../client-darwin-arm64/mcp-client.darwin-arm64.node`
      case 'win32-x64-msvc':
        return `${__dirname}/../../../client-win32-x64-msvc/mcp-client.win32-x64-msvc.node`
      case 'win32-arm64-msvc':
        return `${__dirname}/../../../client-win32-arm64-msvc/mcp-client.win32-arm64-msvc.node`
      default:
        return undefined
    }
  } catch {
    return undefined
  }
}
