/**
 * The process that is measured: one client, one workload. The task is JSON in its argument; it prints the figures as
 * JSON. It loads no module itself that a client might load.
 */
const task = JSON.parse(process.argv[2])
const client = await import(`./clients/${task.client}.mjs`)
const workload = await import(`./workloads/${task.group}.mjs`)
process.stdout.write(`${JSON.stringify(await workload.run(client, task))}\n`)
// Closes whatever the workload has left open.
process.exit()
