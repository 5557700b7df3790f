import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { Fault } from '../../src/core/fault.ts'
import { makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { buildApp } from '../../src/faces/http/app.ts'
import type { Context } from '../../src/operations/context.ts'
import { openHttpHouse } from './http-house.ts'

/** A context in which whatever is asked for breaks. */
async function askBroken(
  error: Error,
): Promise<{ readonly answer: { statusCode: number; headers: object; body: string }; readonly log: readonly Record<string, unknown>[] }> {
  const context = new Proxy({} as Context, {
    get() {
      throw error
    },
  })
  const log: Record<string, unknown>[] = []
  const sink = new Writable({ write: (chunk, _encoding, done) => (log.push(JSON.parse(String(chunk)) as Record<string, unknown>), done()) })
  const app = await buildApp({
    context,
    log: pino({ level: 'info' }, sink),
    rateLimit: 0,
    stopping: new AbortController().signal,
    metrics: new Registry(),
  })
  const answer = await app.inject({
    url: '/v1/me',
    headers: { authorization: `Bearer ${makeToken(randomBytes(TOKEN_BYTES))}`, 'x-request-id': 'find-me' },
  })
  await app.close()
  return { answer, log }
}

test('a bug is a 500 that says nothing, and one line in the log that says everything', async () => {
  const { answer, log } = await askBroken(new Error('relation of secrets', { cause: new Error('the deeper reason') }))

  expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([500, expect.objectContaining({ code: 'internal' })])
  expect(answer.body).not.toMatch(/secrets|deeper/)
  expect(log).toHaveLength(1)
  expect(log[0]).toMatchObject({ requestId: 'find-me', msg: 'a request failed for a reason that nobody foresaw' })
  expect(JSON.stringify(log[0])).toContain('the deeper reason')
})

test('a dependency that is away is a 503 that says when to try again, and not why', async () => {
  const { answer, log } = await askBroken(new Fault('wait', 'connect ECONNREFUSED 10.0.0.7:5432'))

  expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([503, expect.objectContaining({ code: 'unavailable' })])
  expect(answer.headers).toMatchObject({ 'retry-after': '2' })
  expect(answer.body).not.toContain('ECONNREFUSED')
  expect(log).toHaveLength(1)
})

test('one credential may ask so often and no more, whomever it asks for; the others are not slowed down', async () => {
  const { ask, app } = await openHttpHouse({ rateLimit: 3 })
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ask({ url: '/v1/me', as: `person-${i}@example.com` })))
  const refused = answers.filter((answer) => answer.statusCode === 429)

  expect(answers.filter((answer) => answer.statusCode === 200).length).toBeGreaterThanOrEqual(3)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.headers).toMatchObject({
    'retry-after': '1',
    ratelimit: '"caller";r=0;t=1',
    'ratelimit-policy': '"caller";q=3;w=1',
    'content-type': 'application/problem+json',
  })
  expect(refused[0]?.json()).toMatchObject({ code: 'rate-limited', retryAfter: 1 })
  expect((await app.inject('/healthz')).statusCode).toBe(200)
})
