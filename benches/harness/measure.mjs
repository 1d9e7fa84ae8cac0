/** One measurement: one client, one workload, in a process of its own. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CLIENTS, runtimeOf } from '../clients/index.mjs'
import { control } from '../workloads/control.mjs'
import { quantile } from './statistics.mjs'

/**
 * The figures.
 * @throws what the process said when it failed; a wrong answer is a failure
 */
export async function measure(server, client, parameters) {
  const task = { ...parameters, client, url: server.url(parameters.tls === true), controlPort: server.controlPort }
  const before = { cpu: server.cpuTime(), ...(await control(server.controlPort)) }
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.certificate, NODE_NO_WARNINGS: '1' }
  // A process loads but once, and that takes so little time that chance has a large part in it.
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
      `${what} failed (${code === 'SIGKILL' ? `no end after ${PATIENCE / 1000} s` : code}):\n${complaint}`,
    )
  try {
    return JSON.parse(output)
  } catch {
    throw new Error(`${what} gave no figures but ${JSON.stringify(output.slice(0, 200))}`)
  }
}

async function textOf(stream) {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

const PROCESS = fileURLToPath(new URL('../client.mjs', import.meta.url))
const LOADING = fileURLToPath(new URL('../load.cjs', import.meta.url))
/** ms */
const PATIENCE = 120_000
