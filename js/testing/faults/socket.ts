/** How the proxy ends a TCP socket, whatever state it is in, so that the socket closes eventually. */
import type { Socket } from 'node:net'

/** Ends our half with a FIN, after everything was written. */
export function endSocket(socket: Socket): void {
  // Not earlier: if the peer reads nothing, the shutdown would wait, and the socket could not be reset any more.
  whenWritten(socket, () => socket.end())
}

/**
 * Resets the socket: the peer gets an RST, at once or when the connection is made.
 *
 * libuv refuses to reset a socket during its shutdown, and Node.js then leaves it open without a 'close'. So the reset
 * waits for the shutdown, and `endSocket()` ensures that this is quick.
 */
export function resetSocket(socket: Socket): void {
  if (!socket.connecting && socket.writableEnded && !socket.writableFinished)
    socket.once('finish', () => socket.resetAndDestroy())
  else socket.resetAndDestroy()
}

/** Calls back when the system has accepted everything that was written, or never will. */
export function whenWritten(socket: Socket, callback: () => void): void {
  if (socket.writableLength === 0) callback()
  else socket.write('', () => callback())
}

/** Resolves when the socket has closed; never rejects. */
export function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    // If the system refuses a reset, Node.js emits no 'close', although it has released the socket.
    socket.on('error', ({ syscall }: NodeJS.ErrnoException) => syscall === 'reset' && resolve())
  })
}
