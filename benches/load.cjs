/**
 * The process in which loading is measured: a CommonJS program that does nothing but require what a client is made of, as that of a user would. It
 * is one file, so that nothing is there already. The names come as JSON in its argument, the figures go as JSON to its standard output.
 */
const { modules } = JSON.parse(process.argv[2])
const before = process.memoryUsage.rss()
const began = performance.now()
for (const name of modules) require(name)
const loadTime = performance.now() - began
const loadMemory = (process.memoryUsage.rss() - before) / 1e6
process.stdout.write(`${JSON.stringify({ loadTime, loadMemory })}\n`)
