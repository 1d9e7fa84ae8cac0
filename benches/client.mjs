/**
 * The process that is measured: one client, one workload. The task comes as JSON in its argument, the figures go as
 * JSON to its standard output. It loads nothing by itself that a client might load.
 */
const task = JSON.parse(process.argv[2])
const client = await import(`./clients/${task.client}.mjs`)
const workload = await import(`./workloads/${task.group}.mjs`)
process.stdout.write(`${JSON.stringify(await workload.run(client, task))}\n`)
// What a workload leaves open ends with it.
process.exit()
