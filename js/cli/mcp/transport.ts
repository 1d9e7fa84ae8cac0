/**
 * JSON-RPC on standard input and output, a message a line. A line that is no message is dropped, or answered if it says
 * to whom; none ends the connection. After the end of the input, answers that are under way get a moment.
 */
import type { Readable, Writable } from 'node:stream'
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server'
import { isJSONRPCNotification, isJSONRPCRequest, parseJSONRPCMessage } from '@modelcontextprotocol/server'
import type { Log } from './log.js'

export class StdioTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void
  onclose?: () => void
  onerror?: (error: Error) => void
  readonly #input: Readable
  readonly #output: Writable
  readonly #log: Log
  /** Requests of the host that are not answered yet. */
  readonly #open = new Set<string | number>()
  readonly #lines = new Lines()
  #hasEnded = false
  #isClosed = false
  #patience: NodeJS.Timeout | undefined
  #tellEnd: () => void = () => {}
  /** Resolves when nothing more comes and nothing more is sent. */
  readonly ended = new Promise<void>((resolve) => (this.#tellEnd = resolve))

  constructor(input: Readable, output: Writable, log: Log) {
    this.#input = input
    this.#output = output
    this.#log = log
  }

  async start(): Promise<void> {
    this.#input.on('data', (chunk: Buffer) => {
      for (const line of this.#lines.add(chunk)) this.#receive(line)
    })
    for (const event of ['end', 'close', 'error']) this.#input.on(event, () => this.#end())
    this.#output.on('error', () => void this.close())
  }

  send(message: JSONRPCMessage): Promise<void> {
    const isAnswer = 'id' in message && !('method' in message)
    return new Promise<void>((resolve) => {
      // A host that is gone needs no answer.
      if (this.#isClosed) return resolve()
      this.#output.write(`${JSON.stringify(message)}\n`, () => resolve())
    }).then(() => {
      if (isAnswer && message.id !== undefined) this.#settle(message.id)
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#patience)
    this.#input.removeAllListeners('data').pause()
    this.onclose?.()
    this.#tellEnd()
  }

  #receive(line: string | undefined): void {
    if (line === undefined)
      return this.#log.write('warning', `a message of the host is longer than ${LONGEST_LINE} bytes, and is dropped`)
    if (line.trim() === '') return
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      return this.#log.write('warning', `the host sent a line that is not JSON: ${line.slice(0, LONGEST_SHOWN)}`)
    }
    // Hosts of the revision of March 2025 may send several at once.
    if (Array.isArray(value)) for (const one of value) this.#deliver(one)
    else this.#deliver(value)
  }

  #deliver(value: unknown): void {
    let message: JSONRPCMessage
    try {
      message = parseJSONRPCMessage(value)
    } catch {
      return this.#refuse(value)
    }
    if (isJSONRPCRequest(message)) this.#open.add(message.id)
    else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled')
      this.#settle(message.params?.requestId as string | number)
    try {
      this.onmessage?.(message)
    } catch (error) {
      this.#log.write('error', `a message of the host could not be handled: ${String(error)}`)
    }
  }

  #refuse(value: unknown): void {
    const { id, method } = Object(value) as { id?: unknown; method?: unknown }
    this.#log.write('warning', 'the host sent JSON that is no JSON-RPC message')
    if ((typeof id !== 'string' && typeof id !== 'number') || method === undefined) return
    const error = { code: INVALID_REQUEST, message: 'This is no request of JSON-RPC 2.0' }
    void this.send({ jsonrpc: '2.0', id, error })
  }

  #settle(id: string | number): void {
    this.#open.delete(id)
    if (this.#hasEnded && this.#open.size === 0) void this.close()
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (this.#open.size === 0) return void this.close()
    this.#patience = setTimeout(() => void this.close(), LAST_ANSWERS_MS)
  }
}

/** Cuts what comes into lines; `undefined` stands for one that is too long. */
class Lines {
  #chunks: Buffer[] = []
  #size = 0
  #isTooLong = false

  add(chunk: Buffer): readonly (string | undefined)[] {
    const lines: (string | undefined)[] = []
    let rest = chunk
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      this.#keep(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
      lines.push(this.#isTooLong ? undefined : Buffer.concat(this.#chunks).toString())
      this.#forget()
      this.#isTooLong = false
    }
    this.#keep(rest)
    return lines
  }

  #keep(bytes: Buffer): void {
    this.#size += bytes.length
    this.#isTooLong ||= this.#size > LONGEST_LINE
    if (this.#isTooLong) this.#forget()
    else this.#chunks.push(bytes)
  }

  #forget(): void {
    this.#chunks = []
    this.#size = 0
  }
}

const LINE_FEED = 0x0a
const INVALID_REQUEST = -32_600
/** In bytes: twice what a call may have on its way to the platform. */
const LONGEST_LINE = 32 * 1024 * 1024
const LONGEST_SHOWN = 200
/** Hosts kill a server that does not end within two seconds. */
const LAST_ANSWERS_MS = 1_000
