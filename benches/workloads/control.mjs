/** Sends a command to the server: see benches/server/control.rs. */
import { connect } from 'node:net'

/** The server's counters. */
export async function control(port, line = 'stats') {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${line}\n`)
  let text = ''
  for await (const chunk of socket) text += chunk
  return JSON.parse(text)
}
