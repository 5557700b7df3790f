import { randomBytes, randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import { openTokenSigner } from '../../src/adapters/issuer/purser-tokens.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { buildApp } from '../../src/faces/http/app.ts'
import { applyDocuments } from '../../src/operations/apply-documents.ts'
import type { Context } from '../../src/operations/context.ts'
import { exchangeToken } from '../../src/operations/exchange-token.ts'
import { deleteDocument } from '../../src/operations/retire-document.ts'
import { openApi, textAt, type Answer } from '../support/api.ts'
import { boxes, openHouse } from '../support/house.ts'
import { startIssuer, type Claims } from '../support/issuer.ts'
import { gitHubClaims } from '../support/job-claims.ts'
import { openPurse } from '../support/purse.ts'
import { openSessions, type Session } from '../support/sessions.ts'

const [ci, other] = await Promise.all([startIssuer({ lifetime: 600 }), startIssuer()])
const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const [first, second] = await openSessions(house, 2)
if (first === undefined || second === undefined) throw new Error('there are two sessions')
const quiet = { info: () => undefined, warn: () => undefined }
const issuers = openIssuers({ configured: [], audience: 'purser', emailDomains: new Map(), log: quiet })
const context: Context = { ...house.context, issuers, tokenSigner: openTokenSigner(['0123456789abcdef0123456789abcdef']) }
const log: string[] = []
const sink = new Writable({ write: (chunk, _encoding, done) => (log.push(String(chunk)), done()) })
const stopping = new AbortController()

async function serve(on: Context) {
  const app = await buildApp({ context: on, log: pino({ level: 'trace' }, sink), rateLimit: 0, stopping: stopping.signal })
  afterAll(() => app.close())
  return openApi(await app.listen({ host: '127.0.0.1', port: 0 }), '', app.swagger())
}
const api = await serve(context)
afterAll(async () => {
  stopping.abort()
  issuers.close()
  await Promise.all([ci.stop(), other.stop()])
})

const trust = (name: string, spec: object = {}, metadata: object = {}) =>
  JSON.stringify({
    apiVersion: 'purser.dev/v1',
    kind: 'Trust',
    metadata: { name, ...metadata },
    spec: {
      issuer: ci.url,
      audience: 'purser',
      when: "claims.repository_id == '74' && claims.ref == 'refs/heads/main'",
      serviceAccount: 'red-ci',
      ...spec,
    },
  })

const makeAccount = (name: string) =>
  purse.query('select make_service_account($1::jsonb)', [
    JSON.stringify({
      name,
      team: 'red',
      description: '',
      createdBy: house.administrator.principal,
      actor: { subject: 'admin', kind: 'service-account', via: null },
    }),
  ])

await house.apply(boxes)
await makeAccount('red-ci')
await house.apply(trust('deploy'))

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const jwt = 'urn:ietf:params:oauth:token-type:jwt'
const form = { 'content-type': 'application/x-www-form-urlencoded' }

function post(parameters: Record<string, string>, ask = api): Promise<Answer> {
  return ask('POST', '/v1/token', new URLSearchParams(parameters).toString(), { token: null, headers: form })
}

function exchange(token: string, more: Record<string, string> = {}, ask = api): Promise<Answer> {
  return post({ ...asked(token), ...more }, ask)
}

function asked(token: string): Record<string, string> {
  return { grant_type: grantType, subject_token: token, subject_token_type: jwt }
}

const job = (claims: Claims = {}) => ci.sign({ ...gitHubClaims(), ...claims })
/** The same job, and nobody's else: of a repository that one test alone has a Trust for. */
const jobOf = (repository: string, claims: Claims = {}) => job({ repository_id: repository, ...claims })
const now = () => Math.floor(Date.now() / 1_000)
const bearer = (answer: Answer) => ({ token: textAt(answer, 'access_token') })

/** Until the answer is what it is to be, a second at most: as long as a token may be believed. */
async function within(ask: () => Promise<number>, status: number): Promise<void> {
  await vi.waitFor(async () => expect(await ask()).toBe(status), { timeout: 1_500, interval: 50 })
}

test('a job gets a token that asks as its service account, and no more', async () => {
  const answer = await exchange(await job())

  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect({ ...answer.body, access_token: null }).toEqual({
    access_token: null,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 900,
    scope: 'read requests:write',
  })
  const me = await api('GET', '/v1/me', undefined, bearer(answer))
  expect(me.body).toMatchObject({ subject: 'red-ci', kind: 'service-account', scopes: ['read', 'requests:write'] })
  const asked = await api('POST', '/v1/requests', submission('orders-db'), bearer(answer))
  expect(asked.body).toMatchObject({ state: 'queued', requester: { subject: 'red-ci', kind: 'service-account', via: null } })
  expect((await api('PUT', '/v1/trusts/deploy', JSON.parse(trust('deploy')), bearer(answer))).status).toBe(403)
  expect((await api('GET', '/v1/trusts/deploy', undefined, bearer(answer))).status).toBe(404)
})

function submission(name: string, units = 1): JsonObject {
  return { team: 'red', environment: 'lab', changes: [{ action: 'create', blueprint: 'box', name, parameters: { units } }] }
}

test('the exchange is in the log: who, by which Trust, from which job', async () => {
  const jti = randomUUID()
  await exchange(await job({ jti }))

  const [event] = await purse.query("select type, actor, team, subject, data from event where data->>'jti' = $1", [jti])
  expect(event).toEqual({
    type: 'dev.purser.token.exchanged.v1',
    actor: { subject: 'red-ci', kind: 'service-account', via: null },
    team: 'red',
    subject: expect.stringMatching(/^tok_/),
    data: {
      trust: 'deploy',
      trustRevision: 1,
      serviceAccount: 'red-ci',
      issuer: ci.url,
      sub: 'repo:acme/orders:ref:refs/heads/main',
      jti,
      scopes: ['read', 'requests:write'],
      expiresAt: expect.stringMatching(/Z$/),
    },
  })
})

describe('a token that is not taken', () => {
  test.each<[string, () => Promise<string>, RegExp]>([
    [
      'is of an issuer that no Trust names',
      () => other.sign(gitHubClaims()),
      /^No Trust of this installation takes tokens of the issuer http/,
    ],
    ['is for somebody else', () => job({ aud: 'vault' }), /^The token is for another audience/],
    ['is of another branch', () => job({ ref: 'refs/heads/mine' }), /claims are actor, .*, workflow_sha/],
    ['is of another repository of the same name', () => job({ repository_id: '75' }), /^No Trust of this installation takes this token/],
    ['lacks a claim', () => job({ ref: null }), /^No Trust of this installation takes this token/],
    ['has expired', () => job({ iat: now() - 900, exp: now() - 300 }), /has expired/],
    ['is of the future', () => job({ nbf: now() + 300 }), /not valid yet/],
    ['was issued in the future', () => job({ iat: now() + 300 }), /in the future/],
    ['never expires', () => job({ exp: null }), /has no exp/],
    ['lives for a week', () => job({ exp: now() + 7 * 86_400 }), /lives longer than a day/],
    ['has a key that the issuer does not publish', () => job().then((token) => forged(token)), /signature|key/],
    ['is none', async () => 'psr_nothing', /^subject_token is no JWT/],
    ['has no issuer', () => job({ iss: null }), /^subject_token is no JWT with an issuer/],
    ['has a claim that is no text', () => job({ ref: 'refs/heads/\u0000' }), /characters that are no text/],
  ])('%s', async (_, make, why) => {
    const answer = await exchange(await make())

    expect([answer.status, textAt(answer, 'error')]).toEqual([400, 'invalid_request'])
    expect(textAt(answer, 'error_description')).toMatch(why)
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  function forged(token: string): string {
    const [header = '', payload = ''] = token.split('.')
    return `${header}.${payload}.${randomBytes(256).toString('base64url')}`
  }

  test('is nowhere in the log', async () => {
    const token = await job({ aud: 'vault' })
    await exchange(token)

    expect(log.join('')).not.toContain(token.split('.')[2])
  })
})

describe('a form that is wrong', () => {
  const token = 'a.b.c'
  const whole = asked(token)

  test.each<[string, Record<string, string>, string]>([
    ['no grant type', { ...whole, grant_type: '' }, 'invalid_request'],
    ['another grant type', { ...whole, grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['no token', { ...whole, subject_token: '' }, 'invalid_request'],
    ['another type of token', { ...whole, subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
    ['a token of somebody who acts', { ...whole, actor_token: token }, 'invalid_request'],
    ['another token wanted', { ...whole, requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
    ['another audience', { ...whole, audience: 'vault' }, 'invalid_target'],
    ['a resource', { ...whole, resource: 'https://purser.example.com/' }, 'invalid_target'],
    ['a scope that nobody gives', { ...whole, scope: 'read platform:write' }, 'invalid_scope'],
  ])('%s', async (_, parameters, error) => {
    const answer = await post(parameters)

    expect([answer.status, textAt(answer, 'error')]).toEqual([400, error])
  })

  test('a parameter twice, JSON, nothing, and more than a token can be', async () => {
    const twice = `${new URLSearchParams(whole).toString()}&grant_type=${encodeURIComponent(grantType)}`
    const options = { token: null, headers: form }

    expect(await api('POST', '/v1/token', twice, options)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(await api('POST', '/v1/token', whole, { token: null })).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(await api('POST', '/v1/token', undefined, { token: null })).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(await post({ ...whole, subject_token: 'a'.repeat(17_000) })).toMatchObject({ status: 413, body: { error: 'invalid_request' } })
  })

  test('what RFC 6749 and RFC 8693 allow besides is no mistake', async () => {
    const answer = await exchange(await job(), { audience: 'purser', client_id: 'x', scope: '', requested_token_type: jwt, more: 'x' })

    expect(answer).toMatchObject({ status: 200, body: { issued_token_type: jwt, scope: 'read requests:write' } })
  })
})

describe('each token is taken once', () => {
  test('whatever is asked for the second time', async () => {
    const token = await job()
    await exchange(token, { scope: 'read' })
    const again = await exchange(token)

    expect(again).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: expect.stringContaining('exchanged before') },
    })
  })

  test('and of two at once by one only, whoever is first', async () => {
    const token = await job()
    const ask = (session: Session) => exchangeToken({ ...context, database: session.context.database }, new URLSearchParams(asked(token)))

    // What the first has done so far, held open: the second waits for it at the key.
    await first.begin()
    const won = await ask(first)
    const waiting = ask(second)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(won).toMatchObject({ ok: true })
    expect(await waiting).toMatchObject({ ok: false, problem: { description: expect.stringContaining('exchanged before') } })
  })

  test('without a jti by what is signed of it, however the signature is spelled', async () => {
    const token = await job({ jti: null })
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // The last character of 256 bytes has bits that count for nothing.
    const other = token.slice(0, -1) + last[(last.indexOf(token.at(-1) ?? '') & 0b110000) + 1]

    expect(other).not.toBe(token)
    expect((await exchange(other)).status).toBe(200)
    expect((await exchange(token)).status).toBe(400)
  })

  test('and one that names another as its own is another', async () => {
    const [long, more] = ['x'.repeat(300), 'x'.repeat(301)]

    for (const jti of [long, more]) expect((await exchange(await job({ jti }))).status).toBe(200)
    expect((await exchange(await job({ jti: long }))).status).toBe(400)
  })

  test('remembered until it is over, and no longer', async () => {
    await purse.query(
      "insert into exchanged_token (issuer, jti, expires_at) values ('old', 'a', now() - interval '2 minutes'), ('old', 'b', now() + interval '1 minute')",
    )
    await exchange(await job())

    expect(await purse.query("select jti from exchanged_token where issuer = 'old'")).toEqual([{ jti: 'b' }])
    await expect(purse.query("delete from exchanged_token where issuer = 'old'")).rejects.toMatchObject({ code: 'PU006' })
    await expect(purse.query('update exchanged_token set expires_at = now()')).rejects.toMatchObject({ code: 'PU006' })
  })
})

describe('what a token may do', () => {
  test('is less where less is asked for', async () => {
    const answer = await exchange(await job(), { scope: 'read' })

    expect(answer.body).toMatchObject({ scope: 'read' })
    expect((await api('POST', '/v1/requests', submission('x'), bearer(answer))).body).toMatchObject({
      code: 'forbidden',
      needs: 'scope requests:write',
    })
  })

  test('is never more than the Trust gives, nor longer', async () => {
    await house.apply(trust('look', { when: "claims.repository_id == '80'", scopes: ['read'], minutes: 2 }))

    expect(await exchange(await jobOf('80'), { scope: 'requests:write' })).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
    expect(await exchange(await jobOf('80'))).toMatchObject({ status: 200, body: { scope: 'read', expires_in: 120 } })
  })

  test('is said by one Trust: where several take it, by the one that is named', async () => {
    await house.apply(trust('one', { when: "claims.repository_id == '81'" }))
    await house.apply(trust('two', { when: "claims.repository_id in ['81', '82']", minutes: 1 }))

    expect(await exchange(await jobOf('81'))).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: expect.stringMatching(/^More than one Trust/) },
    })
    expect(await exchange(await jobOf('81'), { trust: 'two' })).toMatchObject({ status: 200, body: { expires_in: 60 } })
    const wrong = await exchange(await jobOf('82'), { trust: 'one' })
    const absent = await exchange(await jobOf('82'), { trust: 'three' })
    expect(wrong.status).toBe(400)
    expect(absent.text).toBe(wrong.text)
  })

  test('is for one of several audiences', async () => {
    await house.apply(trust('second', { when: "claims.repository_id == '83'", audience: 'purser-prod' }))

    expect((await exchange(await jobOf('83'))).status).toBe(400)
    expect((await exchange(await jobOf('83', { aud: ['vault', 'purser-prod'] }))).status).toBe(200)
  })
})

describe.concurrent('a token dies within a second', () => {
  const alive = (answer: Answer) => async () => (await api('GET', '/v1/me', undefined, bearer(answer))).status

  test('when its Trust is retired', async () => {
    await house.apply(trust('gone', { when: "claims.repository_id == '90'" }))
    const answer = await exchange(await jobOf('90'))
    expect(await alive(answer)()).toBe(200)
    await retire('gone')

    await within(alive(answer), 401)
    expect((await exchange(await jobOf('90'))).status).toBe(400)
  })

  test('when its Trust is changed: what let it in is not in force any more', async () => {
    await house.apply(trust('moved', { when: "claims.repository_id == '91'" }))
    const answer = await exchange(await jobOf('91'))
    expect(await alive(answer)()).toBe(200)
    await house.apply(trust('moved', { when: "claims.repository_id == '91' && claims.ref == 'refs/heads/main'" }))

    await within(alive(answer), 401)
    expect(await alive(await exchange(await jobOf('91')))()).toBe(200)
  })

  test('when its service account is retired', async () => {
    await makeAccount('passing')
    await house.apply(trust('passing', { when: "claims.repository_id == '92'", serviceAccount: 'passing' }))
    const answer = await exchange(await jobOf('92'))
    expect(await alive(answer)()).toBe(200)
    await purse.query("select retire_service_account('passing', '{}'::jsonb)")

    await within(alive(answer), 401)
    expect(await exchange(await jobOf('92'))).toMatchObject({
      status: 400,
      body: { error_description: expect.stringContaining('not in use') },
    })
  })

  async function retire(name: string): Promise<void> {
    const done = await deleteDocument(house.context, house.administrator, 'Trust', name, { dryRun: false, ifMatch: null })
    if (!done.ok) throw new Error(JSON.stringify(done.problem))
  }
})

test('a Trust names a service account that is in use', async () => {
  const named = { documents: [JSON.parse(trust('nobody', { serviceAccount: 'nobody' })), JSON.parse(trust('deploy'))], dryRun: true }
  const applied = await applyDocuments(context, house.administrator, named)

  expect(applied).toEqual({
    ok: false,
    problem: {
      code: 'invalid-document',
      errors: [
        {
          pointer: '/documents/0/spec/serviceAccount',
          detail: expect.stringContaining('names the service account nobody, which is not in use'),
        },
      ],
    },
  })
})

describe('not at the moment', () => {
  test('without a key to sign with, saying which variable', async () => {
    const keyless = await serve({ ...context, tokenSigner: null })
    const answer = await exchange(await job(), {}, keyless)

    expect(answer).toMatchObject({
      status: 503,
      body: { error: 'temporarily_unavailable', error_description: expect.stringContaining('PURSER_KEY') },
    })
    expect(answer.headers.get('retry-after')).toBe('60')
  })

  test('while the issuer is away and its keys were never seen', async () => {
    await house.apply(trust('away', { issuer: other.url, when: "claims.repository_id == '74'" }))
    const token = await other.sign(gitHubClaims())
    await other.stop()
    const answer = await exchange(token)
    await other.start()

    expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})
