/** The code of the integration guide, taken from a copy of it. */
import { readFileSync } from 'node:fs'
import { parseDocument } from './markdown.mjs'

const NAME = 'websocket-integration-guide.md'
const TEXT = readFileSync(new URL(`../guide/${NAME}`, import.meta.url), 'utf8')
const CODE = parseDocument(NAME, TEXT)
  .blocks.filter(({ language }) => /^(javascript|jsx)$/.test(language))
  .map(({ code }) => code)

/** The guide's blocks of code, in order. */
export const [CONNECTION, AUTHENTICATION, HEARTBEAT, RECONNECTION, TOOLS, ERRORS, HOOK, COMPONENT] = CODE
