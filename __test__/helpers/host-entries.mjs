/** The entries of hosts' configurations: how each names the command to start, its arguments and its environment. */

/** The entry in a block of code of a document. */
export function entryIn({ language, code }) {
  const configuration = language === 'toml' ? tomlOf(code) : JSON.parse(code)
  const { mcpServers, servers, context_servers, mcp_servers, mcp } = configuration
  const [entry] = Object.values(mcpServers ?? servers ?? context_servers ?? mcp_servers ?? mcp)
  const [command, ...args] = [entry.command, entry.args ?? []].flat(2)
  return { command, args, env: entry.env ?? entry.environment }
}

/** As much of TOML as such an entry needs: tables, strings, lists and tables in one line. */
function tomlOf(code) {
  const configuration = {}
  let table = configuration
  for (const line of code.split('\n').filter((text) => text !== '')) {
    const [, name] = /^\[([\w.]+)\]$/.exec(line) ?? []
    if (name === undefined) {
      const [, key, value] = /^(\w+) = (.*)$/.exec(line)
      table[key] = JSON.parse(value.replace(/(?<=[{,] *)(\w+) = /g, '"$1": '))
      continue
    }
    table = configuration
    for (const key of name.split('.')) table = table[key] ??= {}
  }
  return configuration
}
