/**
 * A thread that uses a client over a port to its parent: it makes the calls that it is told to make and reports the
 * results.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { connectClient } from '@mcp-integration/client/bridge'

const { port, calls, name } = workerData
const client = connectClient(port ?? parentPort)
await client.connect()
const results = await Promise.all(
  Array.from({ length: calls }, (_, index) =>
    index % 10 === 9
      ? client.useTool('fail', { message: `${name}-${index}`, code: 'NO' }).catch((error) => error)
      : client.useTool('echo', { name, index }),
  ),
)
const wrong = results.filter((result, index) =>
  index % 10 === 9
    ? result.name !== 'MCPToolError' ||
      result.message !== `${name}-${index}` ||
      result.toolCode !== 'NO' ||
      result.toolName !== 'fail'
    : result.name !== name || result.index !== index,
)
workerData.report.postMessage({ name, answered: results.length, wrong: wrong.length })
await client.close()
workerData.report.close()
