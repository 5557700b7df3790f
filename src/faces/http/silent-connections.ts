import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Ends connections on which nobody has asked anything when the server closes: Node ends what is idle, and counts one that was
 * opened ahead, as browsers do, as busy for a minute.
 */
export function endSilentConnections(app: FastifyInstance): void {
  const silent = new Set<Socket>()
  const speaks = ({ socket }: { readonly socket: Socket }) => silent.delete(socket)
  app.server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  app.server.prependListener('request', speaks)
  app.server.prependListener('upgrade', speaks)
  app.addHook('preClose', (done) => {
    for (const socket of silent) socket.destroy()
    done()
  })
}
