/** React 18 and 19 side by side, each with its own copy of the hook. */
import { createRequire, Module } from 'node:module'

const require = createRequire(import.meta.url)

/** What these names resolve to for React of that version. */
export const PACKAGES = {
  18: { react: 'react18', 'react-dom': 'react-dom18' },
  19: { react: 'react', 'react-dom': 'react-dom' },
}

const OF_A_VERSION = /node_modules[/\\](react|scheduler)|dist[/\\]react(\.js$|[/\\])/

export const VERSIONS = [18, 19]

/** Calls `load` while the names of React resolve to this version. */
export function withReact(version, load) {
  const packages = PACKAGES[version]
  const resolve = Module._resolveFilename
  Module._resolveFilename = function (request, ...rest) {
    const [name, ...path] = request.split('/')
    return Reflect.apply(resolve, this, [[packages[name] ?? name, ...path].join('/'), ...rest])
  }
  try {
    return load(require)
  } finally {
    Module._resolveFilename = resolve
    // Otherwise the next version would get this one's modules.
    for (const path of Object.keys(require.cache)) if (OF_A_VERSION.test(path)) delete require.cache[path]
  }
}
