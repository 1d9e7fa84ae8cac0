/**
 * `MCPClient` is written twice, because one is an EventEmitter of Node.js and the other must not be: what both have is
 * the same to their users, down to the words that editors show.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { MCPClient as PortableClient } from '@mcp-integration/client/portable'
import { ROOT } from './helpers/root.mjs'

/** What only an EventEmitter has, and what Node.js shows of an object. */
const OF_NODE = ['addListener', 'prependListener', 'removeAllListeners', 'removeListener', '[inspect.custom]']
const SHOWN_BY_NODE = 'Symbol(nodejs.util.inspect.custom)'
/** They differ in what they do: where ids count, what is loaded, what a process is. */
const IN_OTHER_WORDS = ['constructor', 'id', 'ref', 'unref']

/** The public members in the declarations of a class, each with its comment; overloads are members of their own. */
function membersOf(path) {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const [, body] = /^export declare class MCPClient [^\n]*\n(.*?)^\}/ms.exec(text)
  // Each begins after a line that ends with a semicolon at its depth; private ones are only named.
  const parts = body.split(/(?<=^ {4}(?:\S.*|\}.*);\n)/m).filter((part) => !/^ {4}(?:private|#)/.test(part))
  return parts.map((part) => {
    const shown = part
      .replace(/\n\s*\*(?!\/)/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
    const declared = shown.replace(/^\/\*\*.*?\*\/ /, '')
    const [, name] = /^(?:(?:static|readonly|get|set) )*(\[?[\w.]+\]?)/.exec(declared)
    return { name, shown }
  })
}

test('both classes declare the same members, with the same comments', () => {
  const ofNode = membersOf('dist/client/client.d.ts')
  const ofPages = membersOf('dist/page/client.d.ts')
  const common = (members, left) =>
    members
      .filter(({ name }) => !left.includes(name))
      .map(({ shown }) => shown.replace('Promise<Buffer>', 'Promise<Uint8Array>'))
  assert.ok(ofPages.length > 50, `${ofPages.length} members were found`)
  assert.deepEqual(common(ofPages, IN_OTHER_WORDS), common(ofNode, [...OF_NODE, ...IN_OTHER_WORDS]))
  const names = (members) => [...new Set(members.map(({ name }) => name))].sort()
  assert.deepEqual(
    names(ofNode).filter((name) => !names(ofPages).includes(name)),
    [...OF_NODE].sort(),
  )
})

test('both classes have at run time what they declare', () => {
  const membersAt = ({ prototype }) => Reflect.ownKeys(prototype).map(String)
  const [ofNode, ofPages] = [MCPClient, PortableClient].map(membersAt)
  const left = ['emit', SHOWN_BY_NODE, ...OF_NODE]
  const more = ofNode.filter((name) => !ofPages.includes(name) && !left.includes(name))
  assert.deepEqual([more, ofPages.filter((name) => !ofNode.includes(name))], [[], []])
})
