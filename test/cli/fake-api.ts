import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { problemDocument, type Problem } from '../../src/core/problem.ts'

export type Seen = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}
/** `drop` cuts the connection after the call was read, as a dying server does. */
export type Reply =
  | 'drop'
  | { readonly status?: number; readonly body?: unknown; readonly text?: string; readonly headers?: Record<string, string> }
export type FakeApi = { readonly url: string; readonly seen: readonly Seen[]; close(): Promise<void> }

/** A real HTTP server that answers by the contract with recorded answers, and remembers what it was asked. */
export async function startFakeApi(answer: (seen: Seen, nth: number) => Reply): Promise<FakeApi> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://fake')
      const text = Buffer.concat(chunks).toString('utf8')
      const call: Seen = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      }
      seen.push(call)
      const reply = answer(call, seen.length)
      if (reply === 'drop') {
        request.socket.destroy()
        return
      }
      const status = reply.status ?? 200
      const type = reply.text !== undefined ? 'text/plain; charset=utf-8' : status < 400 ? 'application/json' : 'application/problem+json'
      response.writeHead(status, { 'content-type': type, 'x-request-id': 'c0ffee', ...reply.headers })
      response.end(reply.text ?? JSON.stringify(reply.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // It listens on TCP.
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** The answer that refuses with a problem. */
export function refusing(problem: Problem, headers: Record<string, string> = {}): Reply {
  const body = problemDocument(problem)
  return { status: body.status, body, headers }
}

/** An address where nobody listens any more. */
export async function deserted(): Promise<string> {
  const gone = await startFakeApi(() => 'drop')
  await gone.close()
  return gone.url
}
