import type { Server } from 'node:http'
import { Server as TcpServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** For a request that is on its way when the stop signal comes; whoever keeps a connection for later holds nothing up. */
const LIMIT_MS = 500
const POLL_MS = 10

/**
 * Takes no new connection, and lets those that are open end by themselves: from the stop signal on every answer closes its
 * connection. The close of an HTTP server would at once end what looks idle, and with it requests that have arrived and were
 * not read yet; under load that is most of them.
 */
export async function drain(server: Server): Promise<void> {
  TcpServer.prototype.close.call(server)
  const end = performance.now() + LIMIT_MS
  while (performance.now() < end && (await countConnections(server)) > 0) await delay(POLL_MS)
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))))
}
