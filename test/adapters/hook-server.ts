import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What a hook answers: a status, perhaps with headers and a body; `hang` never does. */
export type HookAnswering =
  | 'hang'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer }

/** A chat's incoming webhook on loopback. Every path is a hook of its own. */
export type HookServer = {
  readonly url: string
  readonly port: number
  /** The texts that arrived at a hook, in order. */
  texts(path: string): readonly string[]
  /** Everything that arrived at any: path, content type and body. */
  readonly arrived: readonly { readonly path: string; readonly type: string; readonly body: string }[]
  /** What a hook answers from now on, once each, then the last for ever; 200 `ok` unless said. */
  answer(path: string, ...answers: readonly HookAnswering[]): void
  close(): Promise<void>
}

export async function serveHooks(tls?: { readonly key: string; readonly cert: string }): Promise<HookServer> {
  const arrived: { path: string; type: string; body: string }[] = []
  const answers = new Map<string, HookAnswering[]>()
  const server: Server = tls === undefined ? createServer(take) : createTlsServer(tls, take)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // It listens on TCP.

  function take(request: IncomingMessage, response: ServerResponse): void {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += String(chunk)))
    request.on('end', () => {
      const path = request.url ?? ''
      arrived.push({ path, type: request.headers['content-type'] ?? '', body })
      const left = answers.get(path) ?? []
      const next = (left.length > 1 ? left.shift() : left[0]) ?? { status: 200, body: 'ok' }
      if (next === 'hang') return
      response.on('error', () => undefined)
      response.writeHead(next.status, next.headers).end(next.body ?? '')
    })
  }

  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    arrived,
    texts: (path) => arrived.filter((each) => each.path === path).map(({ body }) => (JSON.parse(body) as { text: string }).text),
    answer: (path, ...given) => void answers.set(path, [...given]),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
