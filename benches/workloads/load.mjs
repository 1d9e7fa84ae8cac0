/** What a program waits for before it can make a client. Nothing else is loaded in this process, so that nothing is there already. */
export async function run(client) {
  const before = process.memoryUsage.rss()
  const began = performance.now()
  await client.load()
  const loadTime = performance.now() - began
  return { loadTime, loadMemory: (process.memoryUsage.rss() - before) / 1e6 }
}
