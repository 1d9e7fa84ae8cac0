/** Loads the WebAssembly module: once for all clients. What can go wrong is told with its remedy. */
import { URL } from '../shared/globals.js'
import { fetch, WebAssembly, type WasmModule } from './globals.js'

/** Where the module comes from. */
export interface ModuleSource {
  /** The module, if it is there. */
  readonly module: WasmModule | undefined
  /** Loads it; again if that has failed. */
  load(): Promise<WasmModule>
}

/** The module in a file beside the code. The function says where; it throws if the code cannot know. */
export function moduleAt(url: () => URL): ModuleSource {
  return sourceOf(async () => fetchModule(whereIs(url)))
}

/** The module in the code. */
export function moduleIn(bytes: () => Uint8Array): ModuleSource {
  return sourceOf(async () => compile(bytes()))
}

/** A module that the runtime has compiled. */
export function compiled(module: WasmModule): ModuleSource {
  return { module, load: async () => module }
}

function sourceOf(begin: () => Promise<WasmModule>): ModuleSource {
  let loading: Promise<WasmModule> | undefined
  const source: { module: WasmModule | undefined } & ModuleSource = {
    module: undefined,
    load: () => (loading ??= start()),
  }
  async function start(): Promise<WasmModule> {
    try {
      return (source.module = await begin())
    } catch (error) {
      loading = undefined
      throw error
    }
  }
  return source
}

function whereIs(url: () => URL): string {
  const { location } = globalThis as { location?: { href?: string } }
  try {
    // The bundlers of Next.js make what only looks like a URL, with a path in `href`.
    return new URL(url().href, location?.href).href
  } catch (cause) {
    throw new Error(
      'a classic script cannot say where mcp-page.wasm is: build an ES module, or use the entry portable/inline, which has the module in it',
      { cause },
    )
  }
}

async function fetchModule(url: string): Promise<WasmModule> {
  need()
  if (new URL(url).protocol === 'file:')
    throw new Error(
      `a page from file: cannot load ${url}: serve the page over http, or use the entry portable/inline, which has the module in it`,
    )
  let response: Response
  try {
    response = await fetch(url, { credentials: 'same-origin' })
  } catch (cause) {
    throw new Error(
      `${url} could not be fetched (${wordsOf(cause)}): the page may be offline, or its Content-Security-Policy may forbid it in connect-src`,
      { cause },
    )
  }
  if (!response.ok)
    throw new Error(`${url} was answered with HTTP ${response.status}: serve mcp-page.wasm of the package there`)
  const type = response.headers.get('content-type')?.split(';')[0]?.trim() ?? ''
  if (type !== 'application/wasm')
    throw new Error(`${url} is served as ${type === '' ? 'nothing in particular' : type}: ${remedyFor(url)}`)
  return compileWith(() => WebAssembly!.compileStreaming(response))
}

/** Vite up to 7 bundles packages for its development server, and leaves behind what lies beside the code. */
function remedyFor(url: string): string {
  return url.includes('/.vite/deps/')
    ? "add optimizeDeps: { exclude: ['@mcp-integration/client'] } to the settings of Vite"
    : 'the server must send mcp-page.wasm as application/wasm'
}

function compile(bytes: Uint8Array): Promise<WasmModule> {
  need()
  return compileWith(() => WebAssembly!.compile(bytes))
}

async function compileWith(act: () => Promise<WasmModule>): Promise<WasmModule> {
  try {
    return await act()
  } catch (cause) {
    const words = wordsOf(cause)
    throw new Error(
      /unsafe-eval|wasm-eval|CSP|Content Security Policy/i.test(words)
        ? `the Content-Security-Policy of the page forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src`
        : `the WebAssembly module cannot be compiled (${words}): is mcp-page.wasm whole, and of this version of the package?`,
      { cause },
    )
  }
}

function need(): void {
  if (WebAssembly === undefined)
    throw new Error(
      'there is no WebAssembly here: the browser is too old, or runs in a mode that turns it off, such as Lockdown Mode',
    )
}

function wordsOf(thrown: unknown): string {
  const { name, message } = thrown as Error
  return `${name}: ${message}`.slice(0, 300)
}
