import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createClient, PurserProblem, PurserUnreachable, type ClientOptions, type Schemas } from '../../src/client/client.ts'

/** A server that does as it is told, and a client that waits no time and tells how long it would have. */

type Turn = (request: IncomingMessage, response: ServerResponse) => void
let turns: Turn[] = []
let seen: { method: string; path: string; key: string; authorization: string; body: string }[] = []
let pauses: number[] = []
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += String(chunk)))
  request.on('end', () => {
    const { method = '', url = '', headers } = request
    seen.push({ method, path: url, key: String(headers['idempotency-key']), authorization: String(headers.authorization), body })
    const turn = turns.shift()
    if (turn === undefined) throw new Error(`nobody expected ${method} ${url}`)
    turn(request, response)
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // It listens on a port.

beforeEach(() => {
  turns = []
  seen = []
  pauses = []
})

const problem: Schemas['Problem'] = { type: 'https://purser.dev/problems/x', title: 'x', status: 503, code: 'unavailable' }
const body: Schemas['RequestInput'] = { team: 'red', environment: 'lab', changes: [{ action: 'delete', name: 'a' }] }

function client(options: Partial<ClientOptions> = {}) {
  return createClient({ url, token: 'psr_x', pause: async (delayMs) => void pauses.push(delayMs), ...options })
}

function answers(status: number, headers: Record<string, string> = {}, content: object = { ...problem, status }): Turn {
  return (_, response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(content))
}
const hangsUp: Turn = (request) => request.socket.destroy()
const breaksOff: Turn = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
  response.write('{"subject":', () => request.socket.destroy())
}
const good = answers(200, {}, { id: 'req_1' })

test('what only reads is asked again after 503, a lost connection and an answer that breaks off', async () => {
  turns = [answers(503), hangsUp, breaksOff, good]

  const answer = await client().readMe()

  expect(answer).toEqual({ id: 'req_1' })
  expect(seen).toHaveLength(4)
  expect(pauses[2]).toBeGreaterThan(pauses[0] ?? Number.NaN)
})

test('a submit has one key, the same however often it is sent, and another submit has another', async () => {
  turns = [hangsUp, answers(503), answers(429), good, good]

  await client().submitRequest({ body })
  await client().submitRequest({ body })

  const keys = seen.map(({ key }) => key)
  expect(new Set(keys.slice(0, 4)).size).toBe(1)
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
  expect(keys[4]).not.toBe(keys[0])
  expect(seen.every((call) => call.body === JSON.stringify(body))).toBe(true)
})

test('a key that is given is the key', async () => {
  turns = [answers(503), good]

  await client().submitRequest({ body, header: { 'Idempotency-Key': 'mine' } })

  expect(seen.map(({ key }) => key)).toEqual(['mine', 'mine'])
})

test('what might be done twice is not sent again, but after 429, which comes before anything is done', async () => {
  const vote = { path: { id: 'req_1' }, body: { planDigest: 'sha256:1' } }

  turns = [answers(503)]
  await expect(client().approveRequest(vote)).rejects.toMatchObject({ status: 503 })
  turns = [hangsUp]
  await expect(client().approveRequest(vote)).rejects.toMatchObject({ name: 'PurserUnreachable', maybeTaken: true })
  turns = [answers(429), good]
  await client().approveRequest(vote)

  expect(seen).toHaveLength(4)
  expect(seen.map(({ key }) => key)).toEqual(Array(4).fill('undefined'))
})

test('a plan keeps nothing, so it is asked for again', async () => {
  turns = [hangsUp, answers(502), good]

  await client().planRequest({ body })

  expect(seen).toHaveLength(3)
})

test('Retry-After is honoured, in seconds and as a date, and who is sent away for long is told so at once', async () => {
  turns = [answers(429, { 'retry-after': '7' }), answers(503, { 'retry-after': new Date(Date.now() + 20_000).toUTCString() }), good]
  await client().readMe()
  turns = [answers(503, { 'retry-after': '3600' })]
  await expect(client().readMe()).rejects.toMatchObject({ code: 'unavailable' })

  expect(pauses).toHaveLength(2)
  expect(pauses[0]).toBeGreaterThanOrEqual(7_000)
  expect(pauses[0]).toBeLessThan(8_000)
  expect(pauses[1]).toBeGreaterThan(10_000)
  expect(pauses[1]).toBeLessThan(21_000)
})

test('it ends: the last refusal is the answer, the last fault the error', async () => {
  turns = Array.from({ length: 5 }, () => answers(503))
  await expect(client().readMe()).rejects.toBeInstanceOf(PurserProblem)
  turns = [hangsUp, hangsUp]
  await expect(client({ attempts: 2 }).readMe()).rejects.toBeInstanceOf(PurserUnreachable)

  expect(seen).toHaveLength(7)
  expect(turns).toEqual([])
})

test('nobody has seen a call to where nobody listens, so that it is sent again whatever it is', async () => {
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo // It listens on a port.
  gone.close()
  await once(gone, 'close')

  const call = client({ url: `http://127.0.0.1:${port}`, attempts: 3 }).cancelRequest({ path: { id: 'req_1' } })

  await expect(call).rejects.toMatchObject({ name: 'PurserUnreachable', maybeTaken: false })
  expect(pauses).toHaveLength(2)
})

test('a signal ends it, also while it is waited for the next attempt, with the reason that was given', async () => {
  const stop = new AbortController()
  turns = [answers(503)]

  const pausing = client({ pause: async () => stop.abort(new Error('enough')) })
  await expect(pausing.readMe({ signal: stop.signal })).rejects.toThrow('enough')

  expect(seen).toHaveLength(1)
})

test('a token that is renewed is asked for before each attempt', async () => {
  turns = [answers(503), good]
  let issued = 0

  await client({ getToken: async () => `psr_${++issued}` }).readMe()

  expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer psr_1', 'Bearer psr_2'])
})

test('what is no answer of Purser is none: pages of a proxy, and redirects, which a token must not follow', async () => {
  turns = [(_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>')]
  await expect(client().readMe()).rejects.toMatchObject({ name: 'PurserUnreachable' })
  turns = [answers(302, { location: `${url}/elsewhere` })]
  await expect(client({ attempts: 1 }).readMe()).rejects.toMatchObject({ name: 'PurserUnreachable' })

  expect(seen).toHaveLength(2)
})

const event = (type: string, id: string) =>
  `id: ${id}\r\nevent: ${type}\r\ndata: {"id":"evt_${id}",\r\ndata: "type":"dev.purser.request.${type}.v1"}\r\n\r\n`

test('a stream that is lost goes on after its last id, and passes over nothing', async () => {
  const streams = (...parts: string[]): Turn => {
    return (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`retry: 2000\n${parts.join('')}`, () => request.socket.destroySoon())
    }
  }
  const resumed: string[] = []
  const noting = (turn: Turn): Turn => {
    return (request, response) => {
      resumed.push(String(request.headers['last-event-id']))
      turn(request, response)
    }
  }
  turns = [
    noting(answers(503)),
    noting(streams(event('submitted', '1'), ':\nid: 2\n\n', 'id: 3\nda')),
    noting(hangsUp),
    noting(streams('event: problem\ndata: {"status":500,"code":"internal","title":"x"}\n\n')),
    noting(streams(event('approved', '3'), event('committed', '4'), event('ready', '5'))),
  ]

  const types: string[] = []
  for await (const { type, cursor } of client().follow('req_1')) types.push(`${cursor} ${type}`)

  expect(types).toEqual(['1', '3', '4'].map((id, i) => `${id} dev.purser.request.${['submitted', 'approved', 'committed'][i]}.v1`))
  expect(resumed).toEqual(['undefined', 'undefined', '2', '2', '2'])
})

test('where streams do not get through it is asked again until the request is settled', async () => {
  turns = [
    answers(200, {}, { state: 'queued' }),
    answers(200, { 'content-type': 'text/html' }, {}),
    answers(200, {}, { state: 'queued' }),
    answers(200, {}, { state: 'committed' }),
  ]

  expect(await client().waitFor('req_1')).toEqual({ state: 'committed' })

  expect(seen.map(({ path }) => path)).toEqual(['', '/events', '', ''].map((tail) => `/v1/requests/req_1${tail}`))
})
