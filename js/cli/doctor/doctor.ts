/** `mcp-client doctor`: examines the way to a server, or tells a flight record. */
import { UsageError } from '../failures.js'
import { clientOptions, type ServerOptions } from '../server-options.js'

export interface DoctorOptions extends ServerOptions {
  readonly tool?: string
  readonly parameters?: readonly string[]
  readonly json?: true
  readonly read?: string
  readonly replay?: string
}

export async function doctor(server: string | undefined, options: DoctorOptions): Promise<void> {
  const json = options.json === true
  const { read, replay } = options
  if (read === undefined && replay === undefined) return await examineServer(server, options, json)
  if (server !== undefined || options.url !== undefined || (read !== undefined && replay !== undefined))
    throw new UsageError('--read and --replay are about one file, not a server: give one of them alone')
  if (read !== undefined) await (await import('./record/read.js')).read(read, json)
  else await (await import('./record/replay.js')).replayFile(replay!, json)
}

async function examineServer(server: string | undefined, options: DoctorOptions, json: boolean): Promise<void> {
  const { tool, parameters, apiKey } = options
  if (parameters !== undefined && tool === undefined)
    throw new UsageError('--parameters are those of a tool: name it with --tool')
  const { url, ...others } = clientOptions(options, server)
  const call = tool === undefined ? undefined : { name: tool, parameters: await parametersIn(parameters) }
  const { version, node, platform } = ABOUT
  // Before all that takes time to load.
  if (!json) process.stdout.write(`mcp-client ${version}, Node.js ${node}, ${platform}\n`)
  const { examineAll } = await import('./examine-all.js')
  await examineAll([url].flat() as string[], { apiKey, options: others, call }, { json, about: ABOUT })
}

async function parametersIn(words: readonly string[] | undefined): Promise<string> {
  return await (await import('../call/parameters.js')).readParameters(words ?? [])
}

const ABOUT = {
  version: PACKAGE_VERSION,
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
}
