import fc from 'fast-check'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { hashToken } from '../../../src/core/token.ts'
import { makeSchema } from '../../../src/faces/graphql/schema.ts'
import { recordRefusedAccess } from '../../../src/store/events.ts'
import { listEvents } from '../../../src/operations/read-events.ts'
import { commitAll } from '../../support/delivery.ts'
import { ask, boxes, budget, create, idOf } from '../../support/house.ts'
import { subscribe, type Client, type Message } from '../../support/socket-client.ts'
import { differences, selectionOf } from './compare.ts'
import { openSocketHouse } from './socket-house.ts'

const { house, app, url, token, open, makeToken, stopping, log } = await openSocketHouse()
await house.apply([boxes, budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '90000.00' }")].join('\n---\n'))
const { context } = house
const { pool } = context.database
const owner = new pg.Client({ connectionString: house.urls.ownerUrl })
await owner.connect()
afterAll(() => owner.end())
const ann = await house.person('ann@example.com')

const activity =
  'subscription($team: String!, $after: String) { teamActivity(team: $team, after: $after) { cursor event { id subject data } } }'
const change = 'subscription($id: ID!) { requestChanged(id: $id) { cursor event { id type } request { id state } } }'
const purse = 'subscription($name: String!) { budgetChanged(name: $name) { event { type } budget { name status { reserved committed } } } }'

async function note(team: string, subject: string, data = {}): Promise<void> {
  await recordRefusedAccess(pool, { actor: { subject: 'x', kind: 'person', via: null }, team, subject, data })
}

type Step = { readonly cursor: string; readonly event: { readonly id: string; readonly subject: string; readonly type: string } | null }

function stepIn({ type, payload }: Message): Step {
  const [step] = Object.values((payload as { data?: Record<string, Step> }).data ?? {})
  if (type !== 'next' || step === undefined) throw new Error(JSON.stringify({ type, payload }))
  return step
}

async function idsOfLog(team: string): Promise<readonly string[]> {
  const page = await listEvents(context, house.administrator, { team }, { first: 200, after: null })
  if (!page.ok) throw new Error(page.problem.code)
  return page.value.items.map((event) => String(event['id'] as string))
}

/** The next step about this; what was on its way when the stream began may come before. */
async function about(client: Client, subject: string): Promise<Message> {
  for (;;) {
    const message = await client.next()
    if (stepIn(message).event?.subject === subject) return message
  }
}

/** `error not-found`, or the type alone. */
function outcomeOf({ type, payload }: Message): string {
  const [first] = Array.isArray(payload) ? (payload as { extensions: { code: string } }[]) : []
  return first === undefined ? type : `${type} ${first.extensions.code}`
}

test('a request is followed from its beginning, each time with the request as it is by then', async () => {
  const client = await open({ as: 'ann@example.com' })
  const id = idOf(await ask(house, ann, [create('followed', 3)]))

  const first = await subscribe(client, 'r', change, { id })
  const submitted = await client.next()
  await commitAll(pool)
  const committed = await client.next()

  expect(first.payload).toEqual({
    data: { requestChanged: { cursor: expect.any(String) as string, event: null, request: { id, state: 'QUEUED' } } },
  })
  expect([submitted, committed].map(({ payload }) => payload)).toMatchObject([
    { data: { requestChanged: { event: { type: 'dev.purser.request.submitted.v1' }, request: { id } } } },
    { data: { requestChanged: { event: { type: 'dev.purser.request.committed.v1' }, request: { state: 'COMMITTED' } } } },
  ])
  client.socket.terminate()
})

test('a budget is followed with its counters', async () => {
  const client = await open({ as: 'vic@example.com' })
  await subscribe(client, 'b', purse, { name: 'red-lab' })

  await ask(house, ann, [create('counted', 7)])
  const reserved = await client.next()
  await commitAll(pool)
  const captured = await client.next()

  expect([reserved.payload, captured.payload]).toMatchObject([
    {
      data: {
        budgetChanged: { event: { type: 'dev.purser.request.submitted.v1' }, budget: { name: 'red-lab', status: { reserved: '7.00' } } },
      },
    },
    { data: { budgetChanged: { event: { type: 'dev.purser.request.committed.v1' }, budget: { status: { reserved: '0.00' } } } } },
  ])
  client.socket.terminate()
})

test('whoever goes on from the cursor misses nothing and gets nothing twice, however often the connection is lost while others write', async () => {
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(6), { minLength: 2, maxLength: 5 }), fc.nat(5), async (losses, slowness) => {
      const team = `flow-${(round += 1)}`
      await house.apply(`{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: ${team} }, spec: { members: [] } }`)
      const before = (await idsOfLog(team)).length
      const got: string[] = []
      let client = await open()
      let { cursor } = stepIn(await subscribe(client, 'a', activity, { team }))
      // Each writes in transactions of its own, some of which end after later ones.
      const total = 24
      const writers = Promise.all(
        Array.from({ length: 3 }, async (_, i) => {
          for (let n = 0; n < total / 3; n++) await (n % (slowness + 1) === 0 ? note : write)(team, `${i}-${n}`)
        }),
      )
      const take = async (count: number) => {
        for (const end = got.length + count; got.length < end;) {
          const step = stepIn(await client.next())
          // The document of the team itself may be told, if it was on its way.
          if (step.event !== null && step.event.subject !== team) got.push(step.event.id)
          ;({ cursor } = step)
        }
      }
      for (const loss of losses) {
        await take(Math.min(loss, total - got.length))
        client.socket.terminate()
        client = await open()
        expect(stepIn(await subscribe(client, 'a', activity, { team, after: cursor }))).toEqual({ cursor, event: null })
      }
      await take(total - got.length)
      await writers

      expect(got).toEqual((await idsOfLog(team)).slice(before))
      client.socket.terminate()
    }),
    { numRuns: 5, seed: 20_261_125 },
  )
})

/** In a transaction that stays open for the time of a round trip. */
async function write(team: string, subject: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(`select refuse_access('{"subject": "x", "kind": "person", "via": null}', $1, $2, '{}')`, [team, subject])
    await client.query('select 1')
    await client.query('commit')
  } finally {
    client.release()
  }
}

/** What each subscription is beside the same stream of REST; null: REST has no such stream. */
const streams: Readonly<Record<string, ((id: string) => string) | null>> = {
  requestChanged: (id) => `/v1/requests/${id}/events`,
  teamActivity: () => '/v1/teams/red/events',
  budgetChanged: null,
}

test('L14: the events are those of REST, member by member, and so is each cursor', async () => {
  const schema = makeSchema()
  const id = idOf(await ask(house, ann, [create('both', 3)]))
  let client = await open()

  expect(Object.keys(schema.getSubscriptionType()?.getFields() ?? {}).toSorted()).toEqual(Object.keys(streams).toSorted())
  for (const [field, path] of Object.entries(streams).flatMap(([field, pathOf]) =>
    pathOf === null ? [] : [[field, pathOf(id)] as const],
  )) {
    const begin = stepIn(await subscribe(client, field, activity, { team: 'red' })).cursor
    // Closed before the next event, which would be told on it as well.
    client.socket.terminate()
    client = await open()
    await note('red', 'compared')
    const after = field === 'requestChanged' ? '' : `?after=${begin}`
    const [{ event, cursor }] = await blocksOf(`${url}${path}${after}`)
    const argument = field === 'requestChanged' ? `id: "${id}"` : `team: "red", after: "${begin}"`
    const query = `subscription { ${field}(${argument}) { cursor event { ${selectionOf(schema, 'Event', event)} } } }`
    await subscribe(client, 'same', query)
    const step = stepIn(await client.next())
    client.send({ id: 'same', type: 'complete' })

    expect([differences(event, step.event), step.cursor]).toEqual([[], cursor])
  }
  client.socket.terminate()
})

/** The first event that a stream of REST sends. */
async function blocksOf(path: string): Promise<readonly [{ readonly event: unknown; readonly cursor: string }]> {
  const gone = new AbortController()
  const response = await fetch(path, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' }, signal: gone.signal })
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString()
    if (/^data: .*\n/m.test(text)) break
  }
  gone.abort()
  const [, cursor = '', data = ''] = /^id: (\S+)\nevent: \S+\ndata: (.*)$/m.exec(text) ?? []
  return [{ event: JSON.parse(data), cursor }]
}

test('L11: what is out of sight is refused like what is not there', async () => {
  const client = await open({ as: 'zed@example.com' })
  const id = idOf(await ask(house, ann, [create('hidden', 3)]))
  const refusalOf = (query: string, variables: object) => subscribe(client, 'x', query, variables)

  for (const [query, hidden, absent] of [
    [change, { id }, { id: 'req_01h455vb4pex5vsknk084sn02q' }],
    [activity, { team: 'red' }, { team: 'no-such-team' }],
    [purse, { name: 'red-lab' }, { name: 'no-such-budget' }],
  ] as const) {
    const refusal = await refusalOf(query, hidden)
    expect(outcomeOf(refusal)).toBe('error not-found')
    expect(refusal).toEqual(await refusalOf(query, absent))
  }
  client.socket.terminate()
})

test('who loses the role is told by the problem of a read, and what else they follow goes on', async () => {
  const team = (members: string) => `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: leaving }, spec: { members: ${members} } }`
  await house.apply(team('[{ user: vic@example.com, role: viewer }]'))
  const client = await open({ as: 'vic@example.com' })
  await subscribe(client, 'leaving', activity, { team: 'leaving' })
  await subscribe(client, 'red', activity, { team: 'red' })
  await note('leaving', 'seen')
  await about(client, 'seen')

  await house.apply(team('[]'))
  let over = await client.next()
  // The red one may be told of what was on its way when it began.
  while (over.id === 'red') over = await client.next()
  await note('leaving', 'not seen')
  await note('red', 'still')

  expect([over.id, outcomeOf(over)]).toEqual(['leaving', 'error not-found'])
  expect((await about(client, 'still')).id).toBe('red')
  client.socket.terminate()
})

test('a token that is revoked ends what was subscribed with it within a second', async () => {
  const revoked = await makeToken()
  const client = await open({ token: revoked })
  await subscribe(client, 'a', activity, { team: 'blue' })

  await owner.query('update api_token set revoked_at = now() where hash = $1', [hashToken(revoked)])
  let last: Message
  do {
    await note('blue', 'is it over?')
    last = await client.next()
  } while (last.type === 'next')

  expect(outcomeOf(last)).toBe('error unauthenticated')
  expect(outcomeOf(await subscribe(client, 'b', activity, { team: 'blue' }))).toBe('error unauthenticated')
  client.socket.terminate()
})

test('a fault ends a subscription, and who goes on from its cursor has missed nothing', async () => {
  const client = await open()
  let { cursor } = stepIn(await subscribe(client, 'a', activity, { team: 'red' }))
  const restore = intercept(/^list_events/, () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })))
  const noted: string[] = []
  const seen: string[] = []
  const see = ({ event, cursor: next }: Step) => {
    if (event !== null && noted.includes(event.subject)) seen.push(event.subject)
    cursor = next
  }
  let last: Message
  // A read that was on its way already may tell of the first.
  do {
    noted.push(`noted-${noted.length}`)
    await note('red', noted.at(-1) ?? '')
    last = await client.next()
    if (last.type === 'next') see(stepIn(last))
  } while (last.type === 'next')
  restore()

  expect(outcomeOf(last)).toBe('error unavailable')
  await subscribe(client, 'a', activity, { team: 'red', after: cursor })
  while (seen.length < noted.length) see(stepIn(await client.next()))
  expect(seen).toEqual(noted)
  client.socket.terminate()
})

test('an answer that takes too long ends its subscription', async () => {
  const id = idOf(await ask(house, ann, [create('slow', 3)]))
  const impatient = await openSocketHouse({ on: house, milliseconds: 50 })
  const client = await impatient.open()
  const restore = intercept(/^read_requests/, () => new Promise(() => undefined))

  expect(outcomeOf(await subscribe(client, 'a', change, { id }))).toBe('error unavailable')
  restore()
  client.socket.terminate()
})

/** Has statements of such a name answered otherwise. */
function intercept(names: RegExp, answer: () => Promise<unknown>): () => void {
  const query = pool.query.bind(pool)
  const other = (config: { readonly name?: string }, ...rest: unknown[]) =>
    names.test(String(config.name)) ? answer() : (query as (...all: unknown[]) => unknown)(config, ...rest)
  Object.assign(pool, { query: other })
  return () => Object.assign(pool, { query })
}

test('for a reader who does not read only a bounded part of the log is read', async () => {
  const client = await open()
  const { cursor } = stepIn(await subscribe(client, 'a', activity, { team: 'grey' }))
  await pool.query(
    `select refuse_access('{"subject": "x", "kind": "person", "via": null}', 'grey', 'big', $1) from generate_series(1, 600)`,
    [JSON.stringify({ x: 'x'.repeat(20_000) })],
  )
  const query = pool.query.bind(pool)
  let pages = 0
  const counted = (config: { readonly name?: string }, ...rest: unknown[]) => {
    if (String(config.name).startsWith('list_events')) pages += 1
    return (query as (...all: unknown[]) => unknown)(config, ...rest)
  }
  Object.assign(pool, { query: counted })
  client.socket.pause()
  const reader = await open()
  await subscribe(reader, 'b', activity, { team: 'grey', after: cursor })

  for (let n = 0; n < 600; n++) expect(stepIn(await reader.next()).event?.subject).toBe('big')

  // Twelve for the one who reads and as many for the other would be 24. What fits into the buffers on the way is few.
  expect(pages).toBeLessThan(20)
  Object.assign(pool, { query })
  client.socket.terminate()
  reader.socket.terminate()
})

test('whoever asks and does not read is not listened to, so that nothing piles up for them', async () => {
  const client = await open()
  let most = 0
  const { send } = WebSocket.prototype
  WebSocket.prototype.send = function watched(this: WebSocket, ...all: unknown[]) {
    if (Reflect.get(this, '_isServer') === true) most = Math.max(most, this.bufferedAmount)
    Reflect.apply(send, this, all)
  }
  client.socket.pause()
  const pings = 300
  for (let i = 0; i < pings; i++) client.send({ type: 'ping', payload: { x: 'x'.repeat(100_000) } })
  // Another's question and answer go through meanwhile.
  const other = await open()
  for (let i = 0; i < 50; i++) {
    other.send({ type: 'ping' })
    await other.nextOf('pong')
  }
  client.socket.resume()
  for (let i = 0; i < pings; i++) await client.nextOf('pong')
  WebSocket.prototype.send = send

  // Of 30 MB.
  expect(most).toBeLessThan(2_000_000)
  for (const each of [client, other]) each.socket.terminate()
})

test('whoever is gone leaves nothing behind', async () => {
  await expect.poll(() => context.followers.size).toBe(0)
})

test('from the stop signal on connections are closed so that clients come back, and what was subscribed is not said to be over', async () => {
  const clients: readonly Client[] = await Promise.all([open(), open()])
  for (const client of clients) await subscribe(client, 'a', activity, { team: 'red' })

  const stalled = await open()
  await subscribe(stalled, 'a', activity, { team: 'red' })
  stalled.socket.pause()

  stopping.abort()

  for (const client of clients) {
    expect((await client.next()).type).toBe('closed 1012 Restarting')
    expect(await client.closed).toBe('1012 Restarting')
  }
  const late = new WebSocket(`${url.replace('http', 'ws')}/graphql`, ['graphql-transport-ws'], {
    headers: { authorization: `Bearer ${token}` },
  })
  const code = await new Promise((resolve) => late.on('close', resolve))
  expect(code).toBe(1012)
  // It does not say goodbye, and holds nothing up.
  await app.close()
  await expect.poll(() => context.followers.size).toBe(0)
  expect(log.filter((line) => !line.includes('dependency that is not well'))).toEqual([])
})
