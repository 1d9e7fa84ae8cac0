/**
 * `node --import ./__test__/helpers/portable.mjs …` has everything use the portable client in place of the addon's. Its
 * WebSocket is that of the runtime, or that of `ws`, which Node.js 20 lacks.
 */
import { register } from 'node:module'
import { WebSocket } from 'ws'

globalThis.WebSocket ??= WebSocket

const hooks = `
  const ENTRY = '@mcp-integration/client'
  export const resolve = (specifier, context, next) => next(specifier === ENTRY ? ENTRY + '/portable' : specifier, context)
`
// The programs that tests start, too.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import ${import.meta.url}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
