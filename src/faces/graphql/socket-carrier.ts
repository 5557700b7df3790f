import type { WebSocket as Carrier } from 'graphql-ws'
import type { WebSocket } from 'ws'

/** So many bytes may wait for a client that does not take them; until it does, nothing more is heard from it. */
const WAITING_BYTES = 64 * 1024

/**
 * A socket as the library wants it. Sending resolves when the bytes are on their way: a subscription makes its next answer
 * only then, so nothing is kept for a slow reader but one answer each. Whoever asks and does not read is not listened to.
 */
export function carry(socket: WebSocket, onFailure: (error: unknown) => void): Carrier {
  const sent = () => {
    if (socket.isPaused && socket.bufferedAmount <= WAITING_BYTES) socket.resume()
  }
  const hold = () => {
    if (socket.bufferedAmount > WAITING_BYTES) socket.pause()
  }
  socket.on('ping', (data) => {
    if (socket.readyState === socket.OPEN) socket.pong(data, false, sent)
    hold()
  })
  return {
    protocol: socket.protocol,
    send: (text) =>
      new Promise((resolve) => {
        // On a socket that is closing nobody waits for it; that it broke is told by its end.
        if (socket.readyState !== socket.OPEN) return resolve()
        socket.send(text, () => {
          sent()
          resolve()
        })
      }),
    close: (code, reason) => socket.close(code, reason),
    onMessage(take) {
      socket.on('message', (data: Buffer) => {
        // One buffer, by the socket's type of binaries; whether they said that it is text does not matter.
        take(data.toString()).catch(onFailure)
        hold()
      })
    },
  }
}
