/** How the proxy ends a TCP socket, whatever state it is in: each of its sockets is gone some time after. */
import type { Socket } from 'node:net'

/** Ends our half with a FIN, after all that was written. */
export function endSocket(socket: Socket): void {
  // Not before: a shutdown that waits for a peer that reads nothing could not be reset any more.
  whenWritten(socket, () => socket.end())
}

/**
 * Resets it: the peer gets an RST, of a connection that is still being made as soon as it is there.
 *
 * libuv refuses to reset a socket whose shutdown is under way, and Node.js then leaves it open without a 'close'. So
 * that is waited for, and `endSocket()` sees to it that nothing holds it up.
 */
export function resetSocket(socket: Socket): void {
  if (!socket.connecting && socket.writableEnded && !socket.writableFinished)
    socket.once('finish', () => socket.resetAndDestroy())
  else socket.resetAndDestroy()
}

/** Calls back when the system has taken all that was written, or never will. */
export function whenWritten(socket: Socket, callback: () => void): void {
  if (socket.writableLength === 0) callback()
  else socket.write('', () => callback())
}

/** Resolves when the socket is gone; never rejects. */
export function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    // After a reset that the system has refused Node.js emits no 'close', although it has let go of the socket.
    socket.on('error', ({ syscall }: NodeJS.ErrnoException) => syscall === 'reset' && resolve())
  })
}
