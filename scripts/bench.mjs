/** `npm run bench`: see benches/README.md. */
import { main } from '../benches/harness/main.mjs'

process.exitCode = await main(process.argv.slice(2))
