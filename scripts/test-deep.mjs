/** `npm run test:deep`: what takes too long for every change. docs/reliability.md says what each step proves. */
import { setUp } from './setup.mjs'
import { runSteps, runWith } from './steps.mjs'

setUp()

await runSteps([
  ['random histories', randomHistories],
])

/** Variables that are set already go before these: `MCP_SIM_HISTORIES=unlimited npm run test:deep` goes on until it is stopped. */
function randomHistories() {
  runWith({ MCP_SIM_HISTORIES: '200000' }, 'cargo', 'test', '--locked', '--profile=deep', '--lib', 'whatever_happens')
}
