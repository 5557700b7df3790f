import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { isObject } from '../../src/core/json.ts'
import { recordRefusedAccess } from '../../src/store/events.ts'
import { itemsOf, outcomeOf, textAt } from '../support/api.ts'
import { boxes, create } from '../support/house.ts'
import { openServer } from '../support/server.ts'

const { api, house, url, token, stopping } = await openServer()
await house.apply(boxes)
const { pool } = house.context.database
const streaming = { accept: 'text/event-stream' }

type Block = { readonly id: string; readonly event: string; readonly data: unknown }

type Stream = {
  readonly response: Response
  /** The next blocks with data. */
  take(count: number): Promise<readonly Block[]>
  /** The id of the last block, with data or without. */
  lastId(): string
  /** All that comes until the server ends it. */
  rest(): Promise<readonly Block[]>
  close(): void
}

/** As a browser's EventSource reads it. */
async function open(path: string, headers: Record<string, string> = {}): Promise<Stream> {
  const gone = new AbortController()
  afterAll(() => gone.abort())
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}`, ...headers }, signal: gone.signal })
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader()
  const blocks: Block[] = []
  let [text, lastId, over] = ['', '', false]
  async function more(): Promise<void> {
    const { done, value } = await reader.read()
    over = done
    text += value ?? ''
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.split(': ')[0] ?? '', line.slice(line.indexOf(': ') + 2)]),
      )
      lastId = fields.get('id') ?? lastId
      const data = fields.get('data')
      if (data !== undefined) blocks.push({ id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) })
      text = text.slice(end + 2)
    }
  }
  return {
    response,
    async take(count) {
      while (blocks.length < count && !over) await more()
      return blocks.splice(0, count)
    },
    lastId: () => lastId,
    async rest() {
      while (!over) await more()
      return blocks.splice(0)
    },
    close: () => gone.abort(),
  }
}

async function note(team: string, subject: string): Promise<void> {
  await recordRefusedAccess(pool, { actor: { subject: 'x', kind: 'person', via: null }, team, subject, data: {} })
}

function subjectsOf(blocks: readonly Block[]): readonly unknown[] {
  return blocks.map(({ data }) => (isObject(data) ? data['subject'] : undefined))
}

async function submit(name: string): Promise<string> {
  const body = { team: 'red', environment: 'lab', changes: [create(name, 600)] }
  return textAt(await api('POST', '/v1/requests', body, { as: 'ann@example.com' }), 'id')
}

test('a request’s events come as they are listed, with the headers that keep proxies from holding them back', async () => {
  const id = await submit('streamed')
  const stream = await open(`/v1/requests/${id}/events`, streaming)

  const [first] = await stream.take(1)
  await api('POST', `/v1/requests/${id}/cancel`, {}, { as: 'ann@example.com' })
  const [second] = await stream.take(1)

  const listed = await api('GET', `/v1/requests/${id}/events`)
  expect([first, second].map((block) => block?.data)).toEqual(itemsOf(listed))
  expect([first, second].map((block) => block?.event)).toEqual(itemsOf(listed).map(({ type }) => type))
  const { headers } = stream.response
  expect(
    Object.fromEntries(['content-type', 'cache-control', 'x-accel-buffering', 'vary'].map((name) => [name, headers.get(name)])),
  ).toEqual({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    vary: 'Accept',
  })
  stream.close()
})

test('a stream of a team goes on after the last id, also after one that came without an event; a list’s cursor is one too', async () => {
  const stream = await open('/v1/teams/red/events')
  await note('red', 'one')
  const [one] = await stream.take(1)
  stream.close()
  await note('red', 'two')
  const resumed = await open('/v1/teams/red/events?after=eA', { 'last-event-id': one?.id ?? '' })
  expect(subjectsOf([...(one === undefined ? [] : [one]), ...(await resumed.take(1))])).toEqual(['one', 'two'])
  resumed.close()

  const quiet = await open('/v1/teams/red/events')
  const last = await submit('begins')
  const [begun] = await quiet.take(1)
  quiet.close()
  const listed = await api('GET', '/v1/events?team=red&first=200')
  await note('red', 'three')
  const after = await open(`/v1/teams/red/events?after=${textAt(listed, 'pageInfo.endCursor')}`)

  expect(subjectsOf(begun === undefined ? [] : [begun])).toEqual([last])
  expect(subjectsOf(await after.take(1))).toEqual(['three'])
  after.close()
})

test('HEAD tells the headers and holds nothing', async () => {
  const response = await fetch(`${url}/v1/teams/red/events`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } })

  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
})

test.each([
  ['a cursor that is none', '/v1/teams/red/events?after=x', {}, '422 invalid'],
  ['a last id that is none', '/v1/teams/red/events', { 'last-event-id': 'x' }, '400 malformed'],
  ['a parameter that nobody knows', '/v1/teams/red/events?from=x', {}, '422 invalid'],
  ['a team that is not there', '/v1/teams/no-such-team/events', {}, '404 not-found'],
])('%s is refused before the stream begins', async (_, path, headers, expected) => {
  const answer = await api('GET', path, undefined, { headers })

  expect(outcomeOf(answer)).toBe(expected)
})

test('who loses the role is told by a problem, the last that comes', async () => {
  const team = (members: string) => `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: leaving }, spec: { members: ${members} } }`
  await house.apply(team('[{ user: vic@example.com, role: viewer }]'))
  const stream = await open('/v1/teams/leaving/events', { 'purser-on-behalf-of': 'vic@example.com' })
  await note('leaving', 'seen')
  await stream.take(1)

  await house.apply(team('[]'))

  expect(await stream.rest()).toEqual([
    {
      id: '',
      event: 'problem',
      data: { type: 'https://purser.dev/problems/not-found', title: 'Not found', status: 404, code: 'not-found' },
    },
  ])
})

test('a fault in between ends the stream, and who comes back to the last id has missed nothing', async () => {
  const stream = await open('/v1/teams/red/events')
  await note('red', 'before')
  await stream.take(1)
  const query = pool.query.bind(pool)
  const failing = (config: { readonly name?: string }, ...rest: unknown[]) =>
    String(config.name).startsWith('list_events')
      ? Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }))
      : (query as (...all: unknown[]) => unknown)(config, ...rest)
  Object.assign(pool, { query: failing })
  await note('red', 'missed')
  const rest = await stream.rest()
  Object.assign(pool, { query })

  const resumed = await open('/v1/teams/red/events', { 'last-event-id': stream.lastId() })

  expect(rest).toMatchObject([{ event: 'problem', data: { code: 'unavailable' } }])
  expect(subjectsOf(await resumed.take(1))).toEqual(['missed'])
  resumed.close()
})

test('how long streams last is not in the times of answers', async () => {
  const { text } = await api('GET', '/metrics', undefined, { token: null })

  expect(text).toContain('route="/v1/teams/:name/events",status="404"')
  expect(text).not.toContain('route="/v1/teams/:name/events",status="200"')
})

test('a reader who is gone leaves nothing behind', async () => {
  const before = house.context.followers.size
  const stream = await open('/v1/teams/red/events')
  expect(house.context.followers.size).toBe(before + 1)
  expect((await api('GET', '/metrics', undefined, { token: null })).text).toContain(`\npurser_streams_open ${before + 1}\n`)

  stream.close()
  await expect.poll(() => house.context.followers.size).toBe(before)
})

test('of the log only a bounded part is read for a reader who does not read', async () => {
  const begin = textAt(await api('GET', '/v1/events?team=blue&first=1'), 'pageInfo.endCursor')
  await pool.query(
    `select refuse_access('{"subject": "x", "kind": "person", "via": null}', 'blue', 'big', $1) from generate_series(1, 600)`,
    [JSON.stringify({ x: 'x'.repeat(20_000) })],
  )
  let pages = 0
  const query = pool.query.bind(pool)
  const counted = (config: { readonly name?: string }, ...rest: unknown[]) => {
    if (String(config.name).startsWith('list_events')) pages += 1
    return (query as (...all: unknown[]) => unknown)(config, ...rest)
  }
  Object.assign(pool, { query: counted })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  afterAll(() => socket.destroy())
  socket.write(`GET /v1/teams/blue/events?after=${begin} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await once(socket, 'data')
  socket.pause()

  const stream = await open(`/v1/teams/blue/events?after=${begin}`)
  expect(await stream.take(600)).toHaveLength(600)

  // Twelve for the one who reads and as many for the other would be 24. What fits into the buffers on the way is few.
  expect(pages).toBeLessThan(20)
  stream.close()
  socket.destroy()
  Object.assign(pool, { query })
})

test('from the stop signal on a stream ends by itself and closes its connection, and a new one ends at once', async () => {
  const stream = await open('/v1/teams/red/events')
  await stream.take(0)

  stopping.abort()

  expect(await stream.rest()).toEqual([])
  const late = await open('/v1/teams/red/events')
  expect(await late.rest()).toEqual([])
  expect(late.lastId()).not.toBe('')
  await expect.poll(() => house.context.followers.size).toBe(0)
})
