import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openHttpHouse } from './http-house.ts'

const { app, ask, token, log, stopping } = await openHttpHouse()

const notFound = '{"type":"https://purser.dev/problems/not-found","title":"Not found","status":404,"code":"not-found"}'
const asking = { team: 'red', environment: 'lab', changes: [{ action: 'create', blueprint: 'box', name: 'one', parameters: {} }] }

test('below /v1 nobody learns anything without credentials, not even which paths there are', async () => {
  const nobody = await app.inject('/v1/me')
  const elsewhere = await app.inject('/v1/nothing/here')
  const wrong = await app.inject({
    method: 'POST',
    url: '/v1/requests',
    headers: { authorization: 'Bearer psr_wrong' },
    payload: 'no JSON',
  })

  expect(nobody.statusCode).toBe(401)
  expect(nobody.headers['www-authenticate']).toBe('Bearer')
  expect(nobody.headers['content-type']).toBe('application/problem+json')
  expect(nobody.json()).toMatchObject({ code: 'unauthenticated', status: 401 })
  expect(elsewhere.body).toBe(nobody.body)
  expect(wrong.statusCode).toBe(401)
})

test('what is not there, has a malformed id, or cannot be a path at all is answered with the same bytes', async () => {
  for (const url of [
    '/v1/nothing',
    '/v1/requests/req_01h455vb4pex5vsknk084sn02q',
    '/v1/requests/nonsense',
    '/v1/requests/req_%00',
    '/v1/requests/%ff',
    '/v1/teams/%00',
    '/v1/teams/Not%20A%20Name',
    `/v1/teams/${'a'.repeat(300)}`,
    '/v1/requests/req_01h455vb4pex5vsknk084sn02q/evidence',
    '/v1',
    '/v1/',
    '/nothing',
    '/',
  ]) {
    const answer = await ask({ url })

    expect([url, answer.statusCode, answer.body]).toEqual([url, 404, notFound])
    expect(answer.headers['x-request-id']).toBeTypeOf('string')
  }
})

test('another method on a path that is there is 405 with what it can do, whatever body it came with', async () => {
  const put = await ask({ method: 'PUT', url: '/v1/requests', headers: { 'content-type': 'text/plain' }, payload: 'x' })
  const patch = await ask({ method: 'PATCH', url: '/v1/requests/anything/approve', payload: {} })
  const post = await app.inject({ method: 'POST', url: '/healthz' })

  expect([put.statusCode, put.headers['allow'], put.json().code]).toEqual([405, 'GET, HEAD, POST', 'method-not-allowed'])
  expect([patch.statusCode, patch.headers['allow']]).toEqual([405, 'POST'])
  expect([post.statusCode, post.headers['allow']]).toEqual([405, 'GET, HEAD'])
})

test('HEAD answers as GET does, without the body', async () => {
  const get = await ask({ url: '/v1/me' })
  const head = await ask({ method: 'HEAD', url: '/v1/me' })

  expect(head.statusCode).toBe(200)
  expect(head.body).toBe('')
  expect(head.headers['etag']).toBe(get.headers['etag'])
})

test.each([
  ['{"team":', 'application/json', 400, 'malformed'],
  [Buffer.from([0x7b, 0xff, 0x7d]), 'application/json', 400, 'malformed'],
  ['a: 1', 'application/yaml', 415, 'unsupported-media-type'],
  ['a=1', 'application/x-www-form-urlencoded', 415, 'unsupported-media-type'],
  [JSON.stringify({ ...asking, reason: 'x'.repeat(1_100_000) }), 'application/json', 413, 'too-large'],
  ['', 'application/json', 422, 'invalid'],
  ['null', 'application/json', 422, 'invalid'],
  ['[]', 'application/json', 422, 'invalid'],
  ['['.repeat(100_000) + ']'.repeat(100_000), 'application/json', 422, 'invalid'],
])('a body that is none is refused for what it is (%#)', async (payload, type, status, code) => {
  const answer = await ask({ method: 'POST', url: '/v1/plans', headers: { 'content-type': type }, payload })

  expect([answer.statusCode, answer.json().code, answer.json().status]).toEqual([status, code, status])
  expect(answer.headers['content-type']).toBe('application/problem+json')
})

test('every mistake in a body is named at once, by its place, in words', async () => {
  const body = {
    team: 7,
    environmnet: 'lab',
    changes: [
      { action: 'update', name: 'one', ttl: 'P1D' },
      { action: 'destroy', name: 'two' },
    ],
  }
  const answer = await ask({ method: 'POST', url: '/v1/requests', payload: body })

  expect(answer.statusCode).toBe(422)
  expect(answer.json().errors.toSorted((a: { pointer: string }, b: { pointer: string }) => a.pointer.localeCompare(b.pointer))).toEqual([
    { pointer: '/changes/0/ttl', detail: 'is not a known field' },
    { pointer: '/changes/1/action', detail: 'must be one of create, update, delete' },
    { pointer: '/environment', detail: 'is required' },
    { pointer: '/environmnet', detail: 'is not a known field; did you mean environment?' },
    { pointer: '/team', detail: 'must be a string' },
  ])
})

test('nothing in a body is converted or taken away', async () => {
  const number = await ask({ method: 'POST', url: '/v1/plans', payload: { ...asking, team: 7 } })
  const proto = await ask({
    method: 'POST',
    url: '/v1/plans',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(asking).replace('{', '{"__proto__":{},'),
  })

  expect(number.json().errors).toEqual([{ pointer: '/team', detail: 'must be a string' }])
  expect(proto.json().errors).toEqual([{ pointer: '/__proto__', detail: 'is not a known field' }])
})

test('text that cannot be stored is refused wherever it stands', async () => {
  const answer = await ask({
    method: 'POST',
    url: '/v1/plans',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ ...asking, reason: 'a\0b' }).replace('"box"', String.raw`"\ud800"`),
  })
  const query = await ask({ url: '/v1/requests?team=a%00b' })

  expect(answer.json().errors.map((error: { pointer: string }) => error.pointer)).toEqual(['/changes/0/blueprint', '/reason'])
  expect(query.json().errors).toMatchObject([{ pointer: '/query/team' }])
})

test.each([
  ['?first=0', '/query/first', 'must be at least 1'],
  ['?first=201', '/query/first', 'must be at most 200'],
  ['?first=ten', '/query/first', 'must be a whole number'],
  ['?first=1e2', '/query/first', 'must be a whole number'],
  ['?first=1&first=2', '/query/first', 'must be a whole number'],
  ['?after=nonsense', '/query/after', 'is not a cursor that a page of this list ended with'],
  ['?sate=queued', '/query/sate', 'is not a known field; did you mean state?'],
  [
    '?state=lost',
    '/query/state',
    'must be one of pending_approval, queued, committed, ready, denied, rejected, cancelled, expired, failed',
  ],
  ['?awaiting=you', '/query/awaiting', 'must be one of me'],
  ['?team=', '/query/team', 'must not be empty'],
])('a query that is not understood is refused, not passed over: %s', async (query, pointer, detail) => {
  const answer = await ask({ url: `/v1/requests${query}` })

  expect([answer.statusCode, answer.json().code, answer.json().errors]).toEqual([422, 'invalid', [{ pointer, detail }]])
})

test('routes without a query take none, and an empty cursor is none', async () => {
  const me = await ask({ url: '/v1/me?verbose=true' })
  const list = await ask({ url: '/v1/requests?first=5&after=' })

  expect([me.statusCode, me.json().errors]).toEqual([422, [{ pointer: '/query/verbose', detail: 'is not a known field' }]])
  expect(list.statusCode).toBe(200)
})

test('an answer that the caller cannot read is refused before anything is done', async () => {
  const html = await ask({ method: 'POST', url: '/v1/requests', headers: { accept: 'text/html' }, payload: asking })
  const yaml = await ask({ url: '/v1/me', headers: { accept: 'application/yaml' } })
  const team = await ask({ url: '/v1/teams', headers: { accept: 'text/html' } })

  expect([html.statusCode, html.json().code, html.json().offered]).toEqual([406, 'not-acceptable', ['application/json']])
  expect(yaml.statusCode).toBe(406)
  expect(team.json().offered).toEqual(['application/json', 'application/yaml'])
})

test('YAML that is none, or is too many documents, is refused with its place', async () => {
  const broken = await ask({
    method: 'PUT',
    url: '/v1/teams/red',
    headers: { 'content-type': 'application/yaml' },
    payload: 'kind: Team\nmetadata: {name: [}',
  })
  const two = await ask({
    method: 'PUT',
    url: '/v1/teams/red',
    headers: { 'content-type': 'text/yaml; charset=utf-8' },
    payload: 'a: 1\n---\nb: 2\n',
  })
  const none = await ask({ method: 'POST', url: '/v1/apply', headers: { 'content-type': 'application/x-yaml' }, payload: '# nothing\n' })

  expect([broken.statusCode, broken.json().code]).toEqual([422, 'invalid-document'])
  expect(broken.json().errors[0]).toMatchObject({ detail: expect.stringContaining('line 2'), frame: expect.stringContaining('^') })
  expect(two.json().errors).toEqual([{ pointer: '', detail: 'must be one document; there are 2' }])
  expect(none.json()).toMatchObject({ code: 'invalid', errors: [{ pointer: '/documents', detail: 'must have at least 1 item' }] })
})

test('every answer carries a request id: the caller’s own, or one of ours', async () => {
  const own = await app.inject({ url: '/healthz', headers: { 'x-request-id': 'build-42' } })
  const odd = await app.inject({ url: '/v1/me', headers: { 'x-request-id': 'a b\u00ff' } })

  expect(own.headers['x-request-id']).toBe('build-42')
  expect(odd.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
})

test('the log of a request names its id and its trace, and never its credentials', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  await ask({ url: '/v1/me', headers: { 'x-request-id': 'find-me', traceparent: `00-${trace}-b7ad6b7169203331-01` } })

  const lines = log.filter((line) => line.includes('find-me'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain(`"traceId":"${trace}"`)
  expect(log.join('')).not.toContain(token)
})

test('what is no HTTP at all gets a problem document too', async () => {
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'))
    let text = ''
    socket
      .on('data', (chunk) => (text += chunk.toString()))
      .on('end', () => resolve(text))
      .on('error', reject)
  })

  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toContain('Content-Type: application/problem+json')
  expect(answer).toMatch(/X-Request-Id: [0-9a-f-]{36}/)
  expect(answer).toContain('"code":"malformed"')
})

test('browsers are told to do nothing with answers, and other origins get nothing', async () => {
  const answer = await app.inject({ url: '/healthz', headers: { origin: 'https://evil.example' } })

  expect(answer.headers).toMatchObject({
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
  })
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
})

test('metrics count by route, and never by path', async () => {
  await ask({ url: '/v1/requests/nonsense' })
  const { body } = await app.inject('/metrics')

  expect(body).toContain('http_request_duration_seconds_count{method="GET",route="/v1/requests/:id",status="404"}')
  expect(body).not.toContain('nonsense')
})

test('from the stop signal on it is alive and not ready', async () => {
  const before = await app.inject('/readyz')
  stopping.abort()
  const [ready, alive] = [await app.inject('/readyz'), await app.inject('/healthz')]

  expect([before.statusCode, before.json().ready]).toEqual([200, true])
  expect([ready.statusCode, ready.json().ready]).toEqual([503, false])
  expect(alive.statusCode).toBe(200)
})

test('who connects and asks nothing does not hold up the end', async () => {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo // A port, not a socket of the file system.
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')

  const [, ended] = await Promise.all([app.close(), once(socket, 'close')])

  expect(ended).toHaveLength(1)
})
