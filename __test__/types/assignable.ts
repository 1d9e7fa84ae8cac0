/** The package's public types against the contract: whatever the contract promises, the package has. */
import * as actual from '@mcp-integration/client'
import { connectClient } from '@mcp-integration/client/bridge'
import type * as contract from './contract'

/** Compiles only where `Actual` can stand wherever `Promised` is asked for. */
function promise<Promised>(_actual: Promised): void {}

// The class, its constructors and statics; the errors; the table.
promise<typeof contract.MCPClient>(actual.MCPClient)
promise<typeof contract.WS_ERROR_CODES>(actual.WS_ERROR_CODES)
declare const client: actual.MCPClient
promise<contract.MCPClient>(client)
promise<contract.MCPClientLike>(client)
promise<contract.MCPClientLike>(connectClient(new MessageChannel().port1))
declare const error: actual.MCPError
promise<contract.MCPError>(error)
declare const toolError: actual.MCPToolError
promise<contract.MCPToolError>(toolError)

// What users give: everything the contract takes, the package takes.
declare const options: contract.MCPClientOptions
promise<actual.MCPClientOptions>(options)
declare const callOptions: contract.UseToolOptions
promise<actual.UseToolOptions>(callOptions)
declare const like: contract.MCPClientLike
promise<Omit<actual.MCPClientLike, 'snapshot' | 'error' | 'on' | 'once' | 'off'>>(like)

// What users get.
declare const snapshot: actual.ConnectionSnapshot
promise<contract.ConnectionSnapshot>(snapshot)
declare const stats: actual.ClientStats
promise<contract.ClientStats>(stats)
declare const closeInfo: actual.CloseInfo
promise<contract.CloseInfo>(closeInfo)
declare const logEntry: actual.LogEntry
promise<contract.LogEntry>(logEntry)
declare const events: actual.MCPClientEvents
promise<contract.MCPClientEvents>(events)
declare const state: actual.ConnectionState
promise<contract.ConnectionState>(state)
declare const promisedState: contract.ConnectionState
promise<actual.ConnectionState>(promisedState)
declare const code: actual.MCPErrorCode
promise<contract.MCPErrorCode>(code)
