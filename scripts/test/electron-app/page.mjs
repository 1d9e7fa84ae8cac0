/** The page of the app, which does what the main process asks for. It is bundled into page.js. */
import { connectMain } from '@mcp-integration/client/electron/renderer'

const client = connectMain()

window.page = {
  call: (tool, parameters) => client.useTool(tool, parameters),

  /** Makes a call that is not answered, and does not wait for it. */
  startWaiting() {
    client.useTool('wait').catch(() => {})
  },

  /** How many levels of a nested result have arrived. */
  async depth(levels) {
    let depth = 0
    for (let value = await client.useTool('nest', { levels }); value !== undefined; value = value[0]) depth += 1
    return depth
  },

  async rows(count) {
    const start = performance.now()
    const { length } = await client.useTool('rows', { count })
    return { length, ms: Math.round(performance.now() - start) }
  },
}
