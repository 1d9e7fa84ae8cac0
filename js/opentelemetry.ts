/**
 * `@mcp-integration/client/opentelemetry`: traces and metrics of all clients of the process, by the semantic
 * conventions of OpenTelemetry for GenAI and MCP. It needs the package `@opentelemetry/api`, which every SDK brings.
 *
 * @packageDocumentation
 */
import './native/node-version.js'
export { MCPClientInstrumentation, type MCPClientInstrumentationConfig } from './opentelemetry/main.js'
