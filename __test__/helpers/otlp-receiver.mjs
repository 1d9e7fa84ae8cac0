/** A receiver of OTLP over HTTP, in JSON, as collectors are. */
import { once } from 'node:events'
import { createServer } from 'node:http'

/** Starts a receiver. */
export async function receive() {
  const requests = []
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    requests.push({ path: request.url, body: JSON.parse(Buffer.concat(chunks).toString()) })
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const all = (path, list) => requests.filter((request) => request.path === path).flatMap(({ body }) => list(body))
  const metrics = () =>
    all('/v1/metrics', ({ resourceMetrics }) =>
      resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)),
    )
  return {
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
    url: `http://127.0.0.1:${server.address().port}`,
    /** The spans so far, with their attributes as an object. */
    spans: () =>
      all('/v1/traces', ({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }) =>
          scopeSpans.flatMap(({ scope, spans }) =>
            spans.map((span) => ({ ...span, scope, attributes: plain(span.attributes) })),
          ),
        ),
      ),
    metricNames: () => [...new Set(metrics().map(({ name }) => name))],
    /** The newest data of a metric: its unit, and its points with their attributes as an object. */
    metric: (name) => {
      const { unit, histogram, sum } = metrics().findLast((metric) => metric.name === name)
      const { dataPoints } = histogram ?? sum
      return { unit, isMonotonic: sum?.isMonotonic, points: dataPoints.map(withPlainAttributes) }
    },
  }
}

function withPlainAttributes(point) {
  return { ...point, attributes: plain(point.attributes) }
}

function plain(attributes) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
