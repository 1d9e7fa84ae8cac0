/** One measurement: one client, one workload, in a process of its own. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CLIENTS, runtimeOf } from '../clients/index.mjs'
import { control } from '../workloads/control.mjs'
import { quantile } from './statistics.mjs'

/**
 * @returns the figures
 * @throws Error with the output of the process if it failed, for instance because an answer was wrong
 */
export async function measure(server, client, parameters) {
  if (parameters.line === undefined) return measureAt(server.url(parameters), server, client, parameters)
  const proxy = await slowLine(server.url(parameters), parameters.line)
  try {
    return await measureAt(proxy.url, server, client, parameters)
  } finally {
    await proxy.close()
  }
}

/** A proxy in this process, which has nothing else to do meanwhile. Imported late: the package may not be built yet. */
async function slowLine(target, { bandwidth, latency }) {
  const { FaultProxy } = await import('@mcp-integration/client/testing')
  const direction = { bandwidth, latency }
  return FaultProxy.listen({ target, faults: { toServer: direction, toClient: direction } })
}

async function measureAt(url, server, client, parameters) {
  const task = { ...parameters, client, url, controlPort: server.controlPort }
  const before = { cpu: server.cpuTime(), ...(await control(server.controlPort)) }
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.certificate, NODE_NO_WARNINGS: '1' }
  // A process loads modules only once, and so quickly that a single measurement varies a lot.
  const figures =
    task.times === undefined ? await runClient(task, env) : await repeat(task.times, () => runClient(task, env))
  const after = { cpu: server.cpuTime(), ...(await control(server.controlPort)) }
  const requests = after.requests - before.requests
  if (task.group !== 'calls' || requests === 0) return figures
  return { ...figures, serverBusy: ((after.cpu - before.cpu) / requests) * figures.callsPerSecond }
}

/** The median of each figure. */
async function repeat(times, measureOnce) {
  const samples = []
  while (samples.length < times) samples.push(await measureOnce())
  return Object.fromEntries(
    Object.keys(samples[0]).map((figure) => [
      figure,
      quantile(
        samples.map((sample) => sample[figure]),
        0.5,
      ),
    ]),
  )
}

async function runClient(task, env) {
  const [program, ...options] = runtimeOf(task.client)
  const [file, argument] =
    task.group === 'load' ? [LOADING, { ...task, modules: CLIENTS[task.client].modules }] : [PROCESS, task]
  const child = spawn(program, [...options, file, JSON.stringify(argument)], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  const [output, complaint, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise((resolve, reject) =>
      child.once('close', (code, signal) => resolve(code ?? signal)).once('error', reject),
    ),
  ])
  clearTimeout(patience)
  const what = `${task.client} in ${task.name}`
  if (code !== 0)
    throw new Error(
      `${what} failed (${code === 'SIGKILL' ? `it did not end within ${PATIENCE / 1000} s` : code}):\n${complaint}`,
    )
  try {
    return JSON.parse(output)
  } catch {
    throw new Error(`${what} printed ${JSON.stringify(output.slice(0, 200))} instead of figures`)
  }
}

async function textOf(stream) {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

const PROCESS = fileURLToPath(new URL('../client.mjs', import.meta.url))
const LOADING = fileURLToPath(new URL('../load.cjs', import.meta.url))
/** How long a process may take, in ms. */
const PATIENCE = 120_000
