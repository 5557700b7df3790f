import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** Members that only say what the connection could become. */
const aboutUpgrades: ReadonlySet<string> = new Set(['upgrade', 'connection', 'http2-settings'])

/**
 * Answers a request as if it had not offered to change the protocol, which is for the server to decide. Node takes each such
 * request out of HTTP as soon as one listens for upgrades, also those of clients that would rather speak HTTP/2 and mean an
 * ordinary request. So its head is written down again without the offer, before whatever came after it.
 */
export function passOn(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`]
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = String(request.rawHeaders[i])
    if (!aboutUpgrades.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[i + 1]}`)
  }
  if (/\bclose\b/i.test(request.headers.connection ?? '')) lines.push('Connection: close')
  // Latin-1 is how Node has read it.
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}
