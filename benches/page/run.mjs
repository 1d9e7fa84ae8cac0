/** Measures in pages of a Chromium, in rounds: in each round all clients of a workload follow one another. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'
import { browserPath } from '../../__test__/helpers/browser-path.mjs'
import { shuffle } from '../harness/rounds.mjs'
import { startServer } from '../harness/server.mjs'
import { Expectation } from '../workloads/expected.mjs'
import { bundleClient, sizesOf } from './bundle.mjs'
import { SHORT, WORKLOADS } from './index.mjs'

/**
 * @param {object} options
 * @param {string} options.program the path of the server
 * @param {string[]} [options.workloads] their names
 * @param {number} options.rounds
 * @param {boolean} [options.isShort] the figures mean nothing
 * @param {(step: object, index: number, count: number) => void} [options.tell] is called before each measurement
 * @returns `{ samples, sizes, browser }`, the last its name and version
 */
export async function runInPages({
  program,
  workloads = Object.keys(WORKLOADS),
  rounds,
  isShort = false,
  tell = () => {},
}) {
  const server = await startServer(program)
  const client = await bundleClient()
  const site = await serveFiles(client)
  const browser = await chromium.launch({ executablePath: browserPath() })
  try {
    const steps = plan(workloads, rounds)
    const samples = []
    for (const [index, step] of steps.entries()) {
      tell(step, index, steps.length)
      samples.push({ ...step, figures: await measure(browser, site.url, server.url({}), step, isShort) })
    }
    return { samples, sizes: sizesOf(client), browser: `Chromium ${browser.version()}` }
  } finally {
    await browser.close()
    site.close()
    await server.stop()
  }
}

function plan(workloads, rounds) {
  return Array.from({ length: rounds }, (_, round) =>
    shuffle(workloads).flatMap((workload) =>
      shuffle(WORKLOADS[workload].clients).map((client) => ({ round, workload, client })),
    ),
  ).flat()
}

/** Each measurement has a page of its own, in a context without a cache. */
async function measure(browser, site, url, { workload, client }, isShort) {
  const { run, clients: _, title: __, ...parameters } = WORKLOADS[workload]
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(site)
    await page.waitForFunction(() => globalThis.workloads !== undefined)
    const task = { client, url, ...parameters, ...(isShort ? SHORT : {}), expected: expectedOf(parameters.bytes) }
    const cpuTime = await clockOf(context, page)
    const before = await cpuTime()
    const { made, ...figures } = await page.evaluate(([name, task]) => globalThis.workloads[name](task), [run, task])
    const cpuPerCall = ((await cpuTime()) - before) / made
    return { ...figures, ...(made !== undefined && { cpuPerCall }) }
  } finally {
    await context.close()
  }
}

/** Returns a function that tells the CPU time of the page's own thread so far, in µs. */
async function clockOf(context, page) {
  const session = await context.newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1e6
  }
}

function expectedOf(bytes) {
  if (bytes === undefined) return null
  const { items } = new Expectation(bytes, 'plain')
  const hash = createHash('sha256').update(JSON.stringify(items)).digest()
  return { count: items.length, lastLength: items.at(-1).snippet.length, hash: [...hash] }
}

async function serveFiles({ script, module }) {
  const file = (path) => readFileSync(new URL(path, import.meta.url))
  const files = {
    '/': ['text/html', PAGE],
    '/bench/workloads.mjs': ['text/javascript', file('browser/workloads.mjs')],
    '/bench/clients.mjs': ['text/javascript', file('browser/clients.mjs')],
    '/bench/clients/session.mjs': ['text/javascript', file('../clients/session.mjs')],
    '/bench/ours.js': ['text/javascript', script],
    '/bench/mcp-page.wasm': ['application/wasm', module],
  }
  const server = createServer(({ url }, response) => {
    const [type, body] = files[url] ?? []
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type ?? 'text/plain', ...ISOLATED })
    response.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const PAGE = `<!doctype html><title>Benchmark</title><link rel="icon" href="data:,">
<script type="module">import { WORKLOADS } from '/bench/workloads.mjs'; globalThis.workloads = WORKLOADS</script>`

/** Only such a page has a clock of 5 µs; others have one of 100 µs. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
