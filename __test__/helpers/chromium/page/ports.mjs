/** helpers/ports.mjs in a page. */
import { missing } from './node.mjs'
import { stuck } from './relay.mjs'

export const DEAF_URL = 'ws://127.0.0.1:1/mcp-ws'
export const listenTcp = missing('a TCP server')
export const silentUrl = (t) => stuck(t)
export const stuckUrl = (t, texts = []) => stuck(t, texts)
