/** The command line of `mcp-client mcp`. */
import type { Command } from 'commander'
import { parseCount, parseTexts } from '../option-parsers.js'
import { addServer } from '../server-options.js'
import { addToolsOption } from '../tools-option.js'

export function addMcpCommand(program: Command): void {
  const command = addServer(
    program.command('mcp').description("Serve the platform's tools to an MCP host, on standard input and output."),
  )
  addToolsOption(command)
  command
    .option('--allow <name>', 'a tool to offer, * for any characters; may be repeated (default: all)', parseTexts)
    .option('--deny <name>', 'a tool not to offer, * for any characters; may be repeated', parseTexts)
    .option('--max-result <characters>', 'cut longer results; the whole is a resource (default: 100000)', parseCount)
    .addHelpText('after', EXAMPLE)
    .action(async (url, options) => (await import('../mcp/mcp.js')).mcp(url, options))
}

const EXAMPLE = `
Example, in the configuration of a host:
  {
    "mcpServers": {
      "platform": {
        "command": "npx",
        "args": ["--no", "mcp-client", "mcp", "wss://example.com/mcp-ws"],
        "env": { "MCP_API_KEY": "your-api-key" }
      }
    }
  }
`
