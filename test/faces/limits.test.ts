import { randomBytes } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import type { Issuers, TokenSigner } from '../../src/operations/ports.ts'
import { remember } from '../support/made-secrets.ts'
import { openHttpHouse } from './http-house.ts'

const limits = { perAddress: 0, failures: 0, trustProxy: null, shared: null }
const metrics = new Registry()
const { ask, app, house, token } = await openHttpHouse({ rateLimit: 1_000, limits: { ...limits, failures: 3 }, metrics })
const wrong = () => `Bearer ${remember(makeToken(randomBytes(TOKEN_BYTES)))}`

/** Asks with credentials from an address. */
function from(remoteAddress: string, authorization: string | null, url = '/v1/me'): Promise<LightMyRequestResponse> {
  return app.inject({ url, remoteAddress, headers: authorization === null ? {} : { authorization } })
}

test('every answer that is counted tells how far one is', async () => {
  const answers = [
    await ask({ url: '/v1/me' }),
    await ask({ url: '/v1/nothing' }),
    await ask({ method: 'POST', url: '/v1/requests', payload: {} }),
  ]

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 404, 422])
  for (const { headers } of answers) {
    expect(headers['ratelimit-policy']).toBe('"caller";q=1000;w=1')
    expect(headers['ratelimit']).toMatch(/^"caller";r=99\d;t=1$/)
  }
})

test('credentials that are not taken are slowed down, those that are never, from the same address too', async () => {
  const refused: LightMyRequestResponse[] = []
  for (let i = 0; i < 5; i++) refused.push(await from('203.0.113.1', wrong()))
  const [before, , , after] = refused

  expect(refused.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401, 429, 429])
  expect(before?.headers['www-authenticate']).toContain('invalid_token')
  expect(after?.json()).toMatchObject({ code: 'rate-limited', detail: expect.stringContaining('that are not valid') })
  expect(after?.headers).toMatchObject({
    'ratelimit-policy': '"failures";q=3;w=60',
    ratelimit: expect.stringMatching(/^"failures";r=0;t=\d+$/),
  })
  expect(Number(after?.headers['retry-after'])).toBeGreaterThan(1)
  expect((await from('203.0.113.1', `Bearer ${token}`)).statusCode).toBe(200)
  // Another address is another matter, and to show nothing is no attempt.
  expect((await from('203.0.113.2', wrong())).statusCode).toBe(401)
  expect((await from('203.0.113.1', null)).statusCode).toBe(401)
})

test('a flood of them is one event, which says how many and from how many addresses', async () => {
  const written = async () => {
    const { items } = (await ask({ url: '/v1/events?subject=authentication' })).json<{ items: Record<string, unknown>[] }>()
    return items
  }
  await house.context.failedAuthentications.flush()
  const before = await written()
  for (let i = 0; i < 40; i++) await from(`198.51.100.${i % 4}`, i % 2 === 0 ? wrong() : 'Basic eDp5')
  await from('198.51.100.9', null)

  await Promise.all([house.context.failedAuthentications.flush(), house.context.failedAuthentications.flush()])

  const after = await written()
  expect(after.length).toBe(before.length + 1)
  expect(after.at(-1)).toMatchObject({
    type: 'dev.purser.access.refused.v1',
    actor: { subject: 'anonymous', kind: 'system', via: null },
    team: null,
    subject: 'authentication',
    data: { code: 'unauthenticated', count: 41, addresses: 5, reasons: { 'api-token': 20, other: 20, none: 1 } },
  })
})

test('what is not written when the database is away is told with the next', async () => {
  const { failedAuthentications } = house.another()
  failedAuthentications.note('jwt', '203.0.113.7')
  const { pool } = house.context.database
  const query = pool.query.bind(pool)
  Object.assign(pool, { query: () => Promise.reject(new Error('away')) })
  await expect(failedAuthentications.flush()).rejects.toThrow('away')
  Object.assign(pool, { query })
  failedAuthentications.note('jwt', '203.0.113.8')

  await failedAuthentications.flush()

  const { items } = (await ask({ url: '/v1/events?subject=authentication' })).json<{ items: { data: object }[] }>()
  expect(items.at(-1)?.data).toMatchObject({ count: 2, addresses: 2, reasons: { jwt: 2 } })
})

test('jobs that are not taken are slowed down too, in the form of OAuth', async () => {
  const nobody: Issuers = {
    configured: [],
    verifyAccessToken: async () => ({ kind: 'refused', reason: 'Nobody is.' }),
    verifyJobToken: async () => ({ kind: 'refused', reason: 'Nobody is.' }),
    close: () => undefined,
  }
  const signer: TokenSigner = { sign: async () => '', verify: async () => null }
  const jobs = await openHttpHouse({ rateLimit: 0, limits: { ...limits, failures: 3 } }, { issuers: nobody, tokenSigner: signer })
  const type = 'urn:ietf:params:oauth:token-type:jwt'
  const payload = `grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x&subject_token_type=${type}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answers: LightMyRequestResponse[] = []
  for (let i = 0; i < 4; i++) answers.push(await jobs.app.inject({ method: 'POST', url: '/v1/token', headers, payload }))

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 400, 400, 429])
  expect(answers[3]?.json()).toMatchObject({ error: 'temporarily_unavailable' })
  expect(answers[3]?.headers['retry-after']).toMatch(/^\d+$/)
})

test('an address has a limit before anybody knows who asks, by whom its proxy names', async () => {
  const limited = await openHttpHouse({ rateLimit: 0, limits: { ...limits, perAddress: 2, trustProxy: { networks: ['10.0.0.1'] } } })
  const through = (client: string, remoteAddress = '10.0.0.1') =>
    limited.app.inject({ url: '/v1/me', remoteAddress, headers: { 'x-forwarded-for': client, authorization: `Bearer ${limited.token}` } })
  const bursts = await Promise.all(
    ['1.1.1.1', '1.1.1.1', '1.1.1.1', '2.2.2.2', '2001:db8::1', '2001:db8::2', '2001:db8::3'].map((a) => through(a)),
  )
  const forged = await Promise.all(['3.3.3.3', '4.4.4.4', '5.5.5.5'].map((client) => through(client, '203.0.113.9')))

  expect(bursts.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429, 200, 200, 200, 429])
  expect(forged.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429])
  expect(bursts[2]?.headers).toMatchObject({ 'retry-after': '1', ratelimit: '"address";r=0;t=1', 'ratelimit-policy': '"address";q=2;w=1' })
  expect((await limited.app.inject({ url: '/healthz', remoteAddress: '10.0.0.1' })).statusCode).toBe(200)
})

test('metrics count what was shown, by kind and by how it ended', async () => {
  const text = await metrics.metrics()

  expect(text).toMatch(/purser_authentications_total\{kind="api-token",outcome="accepted"\} \d+/)
  expect(text).toMatch(/purser_authentications_total\{kind="api-token",outcome="refused"\} \d+/)
  expect(text).toMatch(/purser_authentications_total\{kind="api-token",outcome="throttled"\} \d+/)
  expect(text).toMatch(/purser_authentications_total\{kind="none",outcome="refused"\} 2/)
})
