import { request } from 'node:http'
import { createClient } from 'graphql-ws'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { recordRefusedAccess } from '../../../src/store/events.ts'
import { boxes } from '../../support/house.ts'
import { connect, subscribe, type Message } from '../../support/socket-client.ts'
import { openSocketHouse } from './socket-house.ts'

const { house, url, token, open, log } = await openSocketHouse()
await house.apply(boxes)
const { followers } = house.context
const believed = { authorization: `Bearer ${token}` }
const activity = 'subscription($team: String!) { teamActivity(team: $team) { cursor event { subject } } }'
const red = { team: 'red' }

async function note(team: string, subject: string): Promise<void> {
  await recordRefusedAccess(house.context.database.pool, {
    actor: { subject: 'x', kind: 'person', via: null },
    team,
    subject,
    data: {},
  })
}

function codesOf({ type, payload }: Message): string {
  const errors = Array.isArray(payload) ? (payload as { extensions?: { code?: string } }[]) : []
  return `${type} ${errors.map(({ extensions }) => extensions?.code).join(' ')}`
}

describe('a connection', () => {
  test('is opened by its parameters, answers pings, and carries a subscription until either side ends it', async () => {
    const client = await open()
    client.send({ type: 'ping', payload: { a: 1 } })
    expect(await client.next()).toEqual({ type: 'pong', payload: { a: 1 } })

    expect(await subscribe(client, 'one', activity, red)).toMatchObject({
      type: 'next',
      id: 'one',
      payload: { data: { teamActivity: { event: null } } },
    })
    await note('red', 'seen')
    expect(await client.next()).toMatchObject({ id: 'one', payload: { data: { teamActivity: { event: { subject: 'seen' } } } } })
    client.send({ id: 'one', type: 'complete' })
    await expect.poll(() => followers.size).toBe(1)

    // Its id is free again.
    expect(await subscribe(client, 'one', activity, red)).toMatchObject({ type: 'next' })
    client.socket.close()
    await client.closed
    await expect.poll(() => followers.size).toBe(0)
  })

  test('is opened by the headers of the request too, and the parameters go before them', async () => {
    const client = connect(url, { headers: believed, init: {} })
    expect((await client.next()).type).toBe('connection_ack')

    const other = connect(url, { headers: believed, init: { authorization: 'Bearer psr_wrong' } })
    expect(await other.closed).toBe('4401 Credentials are missing or not valid')
    client.socket.terminate()
  })

  test.each<[string, Parameters<typeof connect>[1], string]>([
    ['without credentials', { init: {} }, '4401 Credentials are missing or not valid'],
    [
      'with credentials that are no text',
      { init: { authorization: { a: 1 } }, headers: believed },
      '4401 Credentials are missing or not valid',
    ],
    ['for somebody who is none', { init: { ...believed, 'purser-on-behalf-of': 'x' } }, '4403 The request is malformed'],
    ['by no protocol', { protocol: null }, '4406 Subprotocol not acceptable'],
  ])('%s is closed', async (_, options, closed) => {
    expect(await connect(url, options).closed).toBe(closed)
  })

  test('by the protocol of before is not made', async () => {
    expect((await connect(url, { protocol: 'graphql-ws' }).next()).type).toBe('error Server sent no subprotocol')
  })

  test.each<[string, (send: (message: unknown) => void) => void, string]>([
    [
      'an id twice',
      (send) => [1, 2].forEach(() => send({ id: 'a', type: 'subscribe', payload: { query: activity, variables: red } })),
      '4409 Subscriber for a already exists',
    ],
    ['a second greeting', (send) => send({ type: 'connection_init' }), '4429 Too many initialisation requests'],
    ['what is no message', (send) => send('{'), '4400 Invalid message received'],
    ['a message that only servers send', (send) => send({ id: 'a', type: 'next', payload: { data: {} } }), '4400 Invalid message received'],
    ['a message of more than 128 KiB', (send) => send({ type: 'ping', payload: { x: 'x'.repeat(128 * 1024) } }), '1009 '],
  ])('is closed for %s', async (_, act, closed) => {
    const client = await open()
    act((message) => client.send(message))

    expect(await client.closed).toBe(closed)
  })

  test('is closed for a subscription before the greeting', async () => {
    const client = connect(url, {})
    client.socket.on('open', () => client.send({ id: 'a', type: 'subscribe', payload: { query: activity, variables: red } }))

    expect(await client.closed).toBe('4401 Unauthorized')
  })

  test('that says nothing is closed, and one whose client does not answer pings any more is cut', async () => {
    const quiet = await openSocketHouse({ on: house, initMilliseconds: 50 })
    expect(await connect(quiet.url, {}).closed).toBe('4408 Connection initialisation timeout')

    const impatient = await openSocketHouse({ on: house, pingMilliseconds: 50 })
    const client = connect(impatient.url, { autoPong: false, init: { authorization: `Bearer ${impatient.token}` } })
    expect(await client.closed).toBe('1006 ')
    await expect.poll(() => followers.size).toBe(0)
  })
})

test.each([
  ['a query', '{ me { subject } }', 'malformed'],
  ['a mutation', 'mutation { cancelRequest(input: { id: "x" }) { request { id } } }', 'malformed'],
  ['a syntax error', 'subscription {', 'malformed'],
  ['two fields', `subscription { a: teamActivity(team: "red") { cursor } b: teamActivity(team: "red") { cursor } }`, 'malformed'],
  ['a field that is not there', 'subscription { nothing }', 'malformed'],
  [
    'a variable of the wrong type',
    'subscription($team: Int!) { teamActivity(team: "red") @include(if: true) { event { id } cursor } }',
    'malformed',
  ],
  ['too long a text', `subscription { teamActivity(team: "red") { cursor } } #${'x'.repeat(20_000)}`, 'invalid'],
  [
    'too many aliases',
    `subscription { teamActivity(team: "red") { ${Array.from({ length: 51 }, (_, i) => `a${i}: cursor`).join(' ')} } }`,
    'invalid',
  ],
  [
    'too deep a tree',
    `subscription { teamActivity(team: "red") { ${'team { requests { nodes { team { requests { nodes { '.repeat(4)} id ${'} } } } } } '.repeat(4)} } }`,
    'invalid',
  ],
  [
    'too dear a tree',
    'subscription { teamActivity(team: "red") { team { requests(first: 200) { nodes { events(first: 200) { nodes { team { name: title } } } } } } } }',
    'invalid',
  ],
  ['a cursor that is none', 'subscription { teamActivity(team: "red", after: "x") { cursor } }', 'invalid'],
  ['a name that PostgreSQL cannot read', 'subscription { budgetChanged(name: "\\u0000") { cursor } }', 'invalid'],
  ['a team that is not there', 'subscription { teamActivity(team: "none") { cursor } }', 'not-found'],
])('%s is refused with the problem, and the connection stays', async (_, query, code) => {
  const client = await open()

  expect(codesOf(await subscribe(client, 'a', query))).toBe(`error ${code}`)
  expect(await subscribe(client, 'a', activity, red)).toMatchObject({ type: 'next' })
  client.socket.terminate()
})

test('what is refused is told with the problem document that REST answers', async () => {
  const client = await open()
  const answer = await fetch(`${url}/v1/teams/none/events`, { headers: believed })

  expect(await subscribe(client, 'a', 'subscription { teamActivity(team: "none") { cursor } }')).toEqual({
    id: 'a',
    type: 'error',
    payload: [{ message: 'Not found', extensions: await answer.json() }],
  })
  client.socket.terminate()
})

test('a connection has a hundred subscriptions and no more', async () => {
  const client = await open()
  for (let i = 0; i < 100; i++) expect((await subscribe(client, String(i), activity, red)).type).toBe('next')

  expect(codesOf(await subscribe(client, 'more', activity, red))).toBe('error rate-limited')
  client.socket.terminate()
  await expect.poll(() => followers.size).toBe(0)
})

test('who subscribes faster than they may ask is slowed down, with the same count as over HTTP', async () => {
  const slow = await openSocketHouse({ on: house, rateLimit: 3 })
  const client = await slow.open()
  const codes: string[] = []
  // At most three a second: of eight at once, some are too many.
  for (let i = 0; i < 8; i++) client.send({ id: String(i), type: 'subscribe', payload: { query: activity, variables: red } })
  for (let i = 0; i < 8; i++) codes.push(codesOf(await client.next()))

  expect(codes).toContain('error rate-limited')
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => fetch(`${slow.url}/v1/me`, { headers: { authorization: `Bearer ${slow.token}` } })),
  )
  expect(answers.map(({ status }) => status)).toContain(429)
  client.socket.terminate()
  await expect.poll(() => followers.size).toBe(0)
})

test('a connection takes a place among the streams, and without one it is closed', async () => {
  const { enter } = followers
  Object.assign(followers, { enter: (principal: string) => (principal === 'nobody' ? enter(principal) : null) })
  const greeted = connect(url, { init: believed })
  expect(await greeted.closed).toBe('1013 Too many requests')
  Object.assign(followers, { enter: () => null })
  expect(await connect(url, { init: believed }).closed).toBe('1013 Too many streams')
  Object.assign(followers, { enter })

  await expect.poll(() => followers.size).toBe(0)
})

test('a crowd that does not say who it is shuts nobody out: who has said nothing for longest goes', async () => {
  const silent = connect(url, {})
  await expect.poll(() => followers.size).toBe(1)
  const leaves: (() => void)[] = []
  for (let leave = followers.enter('nobody'); leave !== null; leave = followers.enter('nobody')) leaves.push(leave)

  const honest = await open()
  expect(await silent.closed).toBe('1013 Too many streams')
  expect((await subscribe(honest, 'a', activity, red)).type).toBe('next')
  for (const leave of leaves) leave()
  honest.socket.terminate()
  await expect.poll(() => followers.size).toBe(0)
})

test('over HTTP a subscription is refused, and told where it goes', async () => {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...believed, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: activity, variables: red }),
  })

  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({
    errors: [{ extensions: { code: 'malformed', detail: expect.stringContaining('graphql-transport-ws') as string } }],
  })
})

test.each([
  ['HTTP/2', 'POST', '/v1/plans', { upgrade: 'h2c', connection: 'Upgrade, HTTP2-Settings', 'http2-settings': 'AAMAAABk' }, 422],
  ['a WebSocket at another path', 'GET', '/v1/me', { upgrade: 'websocket', connection: 'Upgrade' }, 200],
  ['a WebSocket where there is nothing', 'GET', '/v1/none', { upgrade: 'websocket', connection: 'close, Upgrade' }, 404],
])('who offers %s is answered as if they had not', async (_, method, path, headers, status) => {
  const body = method === 'POST' ? JSON.stringify({ x: 'x'.repeat(200_000) }) : ''
  const answered = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request(url + path, {
      method,
      headers: { ...believed, ...headers, ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': body.length }) },
    })
    asked.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject)
    asked.end(body)
  })

  expect(answered).toBe(status)
})

test('the usual client speaks with it', async () => {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: believed,
    retryAttempts: 0,
  })
  const answers = client.iterate<{ teamActivity: { event: { subject: string } | null } }>({ query: activity, variables: red })
  await answers.next()
  await note('red', 'usual')

  expect((await answers.next()).value).toEqual({
    data: { teamActivity: { cursor: expect.any(String) as string, event: { subject: 'usual' } } },
  })
  await answers.return?.()
  await client.dispose()
})

test('and nothing of all this was a bug', () => {
  expect(log).toEqual([])
})
