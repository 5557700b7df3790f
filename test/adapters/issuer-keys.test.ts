import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guardedLookup } from '../../src/adapters/issuer/guarded-lookup.ts'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import { fetchPublished } from '../../src/adapters/issuer/published-keys.ts'
import { mayBeIssuer } from '../../src/core/addresses.ts'
import type { Issuers, Verdict } from '../../src/operations/ports.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'

/** In words: `vouched`, `unreachable 10`, or the reason. */
function said(verdict: Verdict): string {
  if (verdict.kind === 'refused') return verdict.reason
  return verdict.kind === 'vouched' ? 'vouched' : `unreachable ${verdict.retryAfterS}`
}

const NOT_PUBLISHED = 'The token is signed with a key that its issuer does not publish.'
const second = 1_000
const minute = 60 * second

type Setting = {
  readonly issuer: TestIssuer
  readonly issuers: Issuers
  readonly logged: string[]
  tick(ms: number): void
  fetches(): number
}

/** An issuer and a verifier whose clock the test moves. Lifetimes of a week: only keys get old here. */
async function open(): Promise<Setting> {
  const issuer = await startIssuer({ lifetime: 7 * 86_400 })
  let time = Date.now()
  const logged: string[] = []
  const log = {
    info: (_: object, message: string) => void logged.push(message),
    warn: (_: object, message: string) => void logged.push(message),
  }
  const issuers = openIssuers({ configured: [issuer.url], audience: 'purser', emailDomains: new Map(), log, now: () => time })
  afterAll(async () => {
    issuers.close()
    await issuer.stop().catch(() => undefined)
  })
  return {
    issuer,
    issuers,
    logged,
    tick: (ms) => void (time += ms),
    fetches: () => issuer.asked.filter((line) => line === 'GET /jwks').length,
  }
}

describe('the keys of an issuer', () => {
  test('are fetched once for all who ask at the same time, and once again for a new key', async () => {
    const { issuer, issuers, tick, fetches } = await open()
    const before = await issuer.token('alice')

    const first = await Promise.all(Array.from({ length: 20 }, () => issuers.verifyAccessToken(before)))
    expect(new Set(first.map(said))).toEqual(new Set(['vouched']))
    expect(fetches()).toBe(1)

    await issuer.rotate()
    tick(11 * second)
    const after = await issuer.token('alice')
    const next = await Promise.all([after, before, after].map((token) => issuers.verifyAccessToken(token)))
    expect(next.map(said)).toEqual(['vouched', 'vouched', 'vouched'])
    expect(fetches()).toBe(2)
  })

  test('are not asked for again and again by tokens with made-up keys', async () => {
    const { issuer, issuers, tick, fetches } = await open()
    const forged = await Promise.all(Array.from({ length: 30 }, (_, i) => issuer.token('alice', {}, { kid: `made-up-${i}` })))
    await issuers.verifyAccessToken(await issuer.token('alice'))

    for (let round = 0; round < 3; round++) {
      tick(4 * second)
      const verdicts = await Promise.all(forged.map((token) => issuers.verifyAccessToken(token)))
      expect(new Set(verdicts.map(said))).toEqual(new Set([NOT_PUBLISHED]))
    }
    // The first, and one for the round in which ten seconds had passed.
    expect(fetches()).toBe(2)
  })

  test('serve on while it is away; a new one has to wait until it is back', async () => {
    const { issuer, issuers, logged, tick } = await open()
    const known = await issuer.token('alice')
    await issuers.verifyAccessToken(known)
    await issuer.rotate()
    const unknown = await issuer.token('alice')
    await issuer.stop()

    tick(11 * second)
    expect(said(await issuers.verifyAccessToken(unknown))).toBe('unreachable 10')
    tick(4 * second)
    expect(said(await issuers.verifyAccessToken(unknown))).toBe('unreachable 6')
    tick(20 * 60 * minute)
    expect(said(await issuers.verifyAccessToken(known))).toBe('vouched')
    expect(logged).toEqual(['the keys of an issuer cannot be fetched'])

    // Shares the fetch that is under way in the background, and so waits for its end.
    expect(said(await issuers.verifyAccessToken(unknown))).toBe('unreachable 10')
    await issuer.start()
    tick(11 * second)
    expect(said(await issuers.verifyAccessToken(unknown))).toBe('vouched')
    expect(logged).toEqual(['the keys of an issuer cannot be fetched', 'the issuer answers again'])
  })

  test('are believed for a day at most without having been seen again', async () => {
    const { issuer, issuers, tick } = await open()
    const token = await issuer.token('alice')
    await issuers.verifyAccessToken(token)
    await issuer.stop()

    tick(24 * 60 * minute)
    expect(said(await issuers.verifyAccessToken(token))).toBe('unreachable 10')

    await issuer.start()
    tick(11 * second)
    expect(said(await issuers.verifyAccessToken(token))).toBe('vouched')
  })

  test('that are no longer published are not believed past the next fetch', async () => {
    const { issuer, issuers, tick } = await open()
    const token = await issuer.token('alice')
    await issuers.verifyAccessToken(token)
    await issuer.rotate({ retire: true })

    tick(4 * minute)
    expect(said(await issuers.verifyAccessToken(token))).toBe('vouched')
    tick(12 * minute)
    expect(said(await issuers.verifyAccessToken(token))).toBe(NOT_PUBLISHED)
  })

  test('need not be there when the process starts', async () => {
    const issuer = await startIssuer()
    const token = await issuer.token('alice')
    await issuer.stop()
    let time = Date.now()
    const log = { info: () => undefined, warn: () => undefined }
    const issuers = openIssuers({ configured: [issuer.url], audience: 'purser', emailDomains: new Map(), log, now: () => time })
    afterAll(() => issuers.close())

    expect(said(await issuers.verifyAccessToken(token))).toMatch(/^unreachable \d+$/)
    await issuer.start()
    afterAll(() => issuer.stop())
    time += 11 * second
    expect(said(await issuers.verifyAccessToken(token))).toBe('vouched')
  })

  test('of an issuer that only a Trust names are kept like the others', async () => {
    const { issuer: own, issuers } = await open()
    const ci = await startIssuer()
    afterAll(() => ci.stop())
    const token = await ci.sign({ sub: 'repo:acme/shop', aud: 'https://purser.example.com', repository_id: '42' })

    const verdicts = [1, 2].map(() => issuers.verifyJobToken(token, ci.url, 'https://purser.example.com'))
    expect(await Promise.all(verdicts)).toMatchObject([{ vouched: { subject: 'repo:acme/shop', claims: { repository_id: '42' } } }, {}])
    expect(said(await issuers.verifyJobToken(token, ci.url, 'purser'))).toBe('The token is for another audience.')
    expect(said(await issuers.verifyJobToken(token, own.url, 'purser'))).toBe(NOT_PUBLISHED)
    expect(said(await issuers.verifyAccessToken(token))).toContain('not configured here')
    expect(ci.asked.filter((line) => line === 'GET /jwks')).toHaveLength(1)
  })
})

describe('what is no issuer', () => {
  let answer: RequestListener = () => undefined
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  let url = ''
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  const discovery = (more: object = {}) => JSON.stringify({ issuer: url, jwks_uri: `${url}/keys`, ...more })
  const refusals: readonly (readonly [string, (path: string) => readonly [status: number, body: string, location?: string], RegExp])[] = [
    ['whose document is of another issuer', () => [200, discovery({ issuer: `${url}/` })], /not the discovery document/],
    ['that redirects', () => [302, '', 'http://127.0.0.1:1/'], /redirect, which is not followed/],
    ['that answers without end', () => [200, `{"a":"${'a'.repeat(200_000)}"}`], /more than \d+ bytes/],
    ['that answers no JSON', () => [200, '<html>'], /no JSON/],
    ['that answers an error', () => [500, '{}'], /answered 500/],
    ['without keys', () => [200, discovery({ jwks_uri: undefined })], /no jwks_uri/],
    ['whose keys are in a file', () => [200, discovery({ jwks_uri: 'file:///etc/passwd' })], /not https/],
    ['whose keys are elsewhere without https', () => [200, discovery({ jwks_uri: 'http://example.com/keys' })], /not https/],
    ['whose keys are at a metadata service', () => [200, discovery({ jwks_uri: 'https://169.254.169.254/keys' })], /no issuer may have/],
    ['whose keys are at one in disguise', () => [200, discovery({ jwks_uri: 'https://[::ffff:a9fe:a9fe]/keys' })], /no issuer may have/],
    ['whose set of keys is none', (path) => [200, path === '/keys' ? '[]' : discovery()], /no set of keys/],
  ]
  test.each(refusals)('is one %s', async (_, answers, reason) => {
    answer = (request, response) => {
      const [status, body, location] = answers(request.url ?? '')
      response.writeHead(status, location === undefined ? {} : { location }).end(body)
    }

    await expect(fetchPublished(url, AbortSignal.timeout(10_000))).rejects.toThrow(reason)
  })

  test('keeps no key that is not public and asymmetric', async () => {
    const keys = [{ kty: 'oct', k: 'c2VjcmV0' }, { kty: 'RSA', d: 'x', n: 'x', e: 'AQAB' }, 'text', null, { kty: 'EC', crv: 'P-256' }]
    answer = (request, response) => response.end(request.url === '/keys' ? JSON.stringify({ keys }) : discovery())

    expect(await fetchPublished(url, AbortSignal.timeout(10_000))).toMatchObject({ count: 1 })
  })
})

describe('addresses', () => {
  test.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '168.63.129.16',
    'fe80::1',
    'fd00:ec2::254',
    '100.100.100.200',
    '0.0.0.0',
    '::',
    '255.255.255.255',
  ])('that no issuer has: %s', (address) => expect([mayBeIssuer(address, true), mayBeIssuer(address, false)]).toEqual([false, false]))

  test('of this machine are for an issuer on this machine, private ones for all', () => {
    expect(['127.0.0.1', '::1', '::ffff:127.0.0.1'].map((a) => [mayBeIssuer(a, true), mayBeIssuer(a, false)])).toEqual([
      [true, false],
      [true, false],
      [true, false],
    ])
    expect(['10.0.0.1', '192.168.1.1', 'fd12::1', '93.184.216.34'].every((a) => mayBeIssuer(a, false))).toBe(true)
  })

  test('are looked at when a name is resolved, whichever way it is asked for', async () => {
    const look = (local: boolean, all: boolean) =>
      new Promise((resolve) => guardedLookup(local)('localhost', { all }, (error, address) => resolve(error?.code ?? address)))

    expect([await look(false, true), await look(false, false)]).toEqual(['EACCES', 'EACCES'])
    expect([await look(true, true), await look(true, false)]).toEqual([expect.any(Array), expect.any(String)])
  })
})
