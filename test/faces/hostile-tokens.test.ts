import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { exportJWK, importJWK, SignJWT, type JWK, type JWTHeaderParameters } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import { openTokenSigner } from '../../src/adapters/issuer/purser-tokens.ts'
import { isObject } from '../../src/core/json.ts'
import { makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { textAt } from '../support/api.ts'
import { boxes } from '../support/house.ts'
import { startIssuer, type Claims } from '../support/issuer.ts'
import { leaksIn, remember, secretsMade } from '../support/made-secrets.ts'
import { openPurse } from '../support/purse.ts'
import { openServer } from '../support/server.ts'

/**
 * Whoever tries to be somebody else, over real HTTP: each with the exact answer. `id` is the issuer of example.com,
 * `partner` one of partner.example, `stranger` none of ours.
 */
const [id, partner, stranger] = await Promise.all([startIssuer({ alg: 'RS256' }), startIssuer(), startIssuer()])
const emailDomains = new Map([
  [id.url, ['example.com']],
  [partner.url, ['partner.example']],
])
const quiet = { info: () => undefined, warn: () => undefined }
const issuers = openIssuers({ configured: [id.url, partner.url], audience: 'purser', emailDomains, log: quiet })
const key = 'a key of thirty-two characters, at least'
const server = await openServer({
  issuers,
  tokenSigner: openTokenSigner([key]),
  platformRoles: { administrators: ['group:platform'], auditors: [] },
})
const purse = openPurse(server.house.urls.ownerUrl)
afterAll(async () => {
  issuers.close()
  await Promise.all([id.stop(), partner.stop(), stranger.stop()])
})

/** Where keys lie that somebody would like to be taken. */
const visits: string[] = []
const trap = createServer((asked, answer) => {
  visits.push(asked.url ?? '')
  answer.end(JSON.stringify({ keys: [mallory.public] }))
})
const mallory = await keyPair()
let trapUrl = ''
beforeAll(async () => {
  trap.listen(0, '127.0.0.1')
  await once(trap, 'listening')
  trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`
})
afterAll(() => void trap.close())

async function keyPair(): Promise<{ readonly private: JWK; readonly public: JWK }> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const shared = { kid: 'mallory', alg: 'ES256', use: 'sig' }
  return { private: { ...(await exportJWK(pair.privateKey)), ...shared }, public: { ...(await exportJWK(pair.publicKey)), ...shared } }
}

const now = Math.floor(Date.now() / 1_000)
const alice = { sub: 'alice', aud: 'purser', email: 'alice@example.com', email_verified: true, groups: ['platform'] }
const claimsOf = (more: Claims = {}) => ({ iss: id.url, iat: now, exp: now + 600, ...alice, ...more })
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const kid = () => id.keys()[0]?.kid ?? ''

/** Any header, any claims, and any signature or none. */
function forge(header: object, claims: object, sign: (input: string) => string = () => ''): string {
  const input = `${encode(header)}.${encode(claims)}`
  return remember(`${input}.${sign(input)}`)
}

/** Signed by somebody's own key, whatever the header says. */
async function bySomebody(header: Partial<JWTHeaderParameters>, claims: object = claimsOf()): Promise<string> {
  const signing = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'mallory', ...header })
  return remember(await signing.sign(await importJWK(mallory.private, 'ES256')))
}

const hs256 = (secret: string) => (input: string) => createHmac('sha256', secret).update(input).digest('base64url')
const publicPem = () => createPublicKey({ key: { ...id.keys()[0] } as JsonWebKey, format: 'jwk' }).export({ type: 'spki', format: 'pem' })

function publicJwk(): string {
  const { kty, n, e } = id.keys()[0] ?? {}
  return JSON.stringify({ kty, n, e })
}

async function cut(from: number, to: number): Promise<string> {
  return remember((await id.token('alice')).slice(from, to))
}

async function changed(part: number, text: string): Promise<string> {
  const parts = (await id.token('alice')).split('.')
  return remember(parts.with(part, text).join('.'))
}

const unsigned = 'The token is not signed, or not with an algorithm that is accepted here.'
const unknownKey = 'The token is signed with a key that its issuer does not publish.'
const wrongSignature = 'The signature of the token is wrong.'
const audience = 'The token is for another audience.'
const kindless = 'This token is not of a kind that is taken here.'
const broken = 'The token is no JWT that can be verified.'
const notOurs = 'This token has expired, was not signed here, or its account or Trust is gone.'
const foreign = 'The token is of an issuer that is not configured here (OIDC_ISSUER).'

const account = {
  id: 'tok_x',
  serviceAccount: 'red-ci',
  trust: 'deploy',
  trustRevision: 1,
  scopes: ['read'],
  expiresAt: new Date((now + 600) * 1_000),
}
const purserClaims = {
  iss: 'purser',
  aud: 'purser',
  sub: 'red-ci',
  jti: 'x',
  trust: 'deploy',
  trust_revision: 1,
  scope: 'read',
  exp: now + 600,
}

type Row = readonly [what: string, token: () => string | Promise<string>, detail: string]
const refused: readonly Row[] = [
  ['alg none', () => forge({ alg: 'none', kid: kid() }, claimsOf()), unsigned],
  ['alg nOnE', () => forge({ alg: 'nOnE', kid: kid() }, claimsOf()), unsigned],
  ['no alg', () => forge({ kid: kid() }, claimsOf()), unsigned],
  ['HS256 by the public key in PEM', () => forge({ alg: 'HS256', kid: kid() }, claimsOf(), hs256(publicPem().toString())), unsigned],
  ['HS256 by the public key as JWK', () => forge({ alg: 'HS256', kid: kid() }, claimsOf(), hs256(publicJwk())), unsigned],
  ['another algorithm than the key has', () => forge({ alg: 'ES256', kid: kid() }, claimsOf(), hs256('x')), unknownKey],
  ['an embedded jwk', () => bySomebody({ jwk: mallory.public }), unknownKey],
  ['an embedded jwk under the name of a true key', () => bySomebody({ jwk: mallory.public, kid: kid(), alg: 'ES256' }), unknownKey],
  ['a jku of somebody', () => bySomebody({ jku: `${trapUrl}/jwks` }), unknownKey],
  ['an x5u of somebody', () => bySomebody({ x5u: `${trapUrl}/chain` }), unknownKey],
  ['a kid that is a path', () => bySomebody({ kid: '../../etc/passwd' }), unknownKey],
  ['a kid that is SQL', () => bySomebody({ kid: "' or 1=1; drop table api_token --" }), unknownKey],
  ['a kid that is an address', () => bySomebody({ kid: `${trapUrl}/key` }), unknownKey],
  ['a kid without end', () => bySomebody({ kid: 'k'.repeat(300) }), 'The token names no key that an issuer could have.'],
  [
    'an extension that must be understood',
    () => forge({ alg: 'RS256', kid: kid(), crit: ['b64'], b64: false }, claimsOf()),
    'The token has an extension (crit) that is not understood here.',
  ],
  ['another kind', () => id.token('alice', {}, { typ: 'dpop+jwt' }), 'The token is of another kind (typ) than access tokens are.'],
  [
    'the kind of Purser’s own',
    () => id.token('alice', {}, { typ: 'purser+jwt' }),
    'The token is of another kind (typ) than access tokens are.',
  ],
  ['another audience', () => id.token('alice', { aud: 'argocd' }), audience],
  ['other audiences', () => id.token('alice', { aud: ['argocd', 'purser-cli'] }), audience],
  ['no audience', () => id.token('alice', { aud: null }), 'The token has no aud.'],
  ['the ID token of the command', async () => (await id.signIn('alice')).id_token, audience],
  ['another issuer in the name of ours', () => partner.token('alice', { iss: id.url }), unknownKey],
  ['an issuer that is none of ours', () => stranger.token('alice'), foreign],
  ['our issuer with a slash more', () => id.token('alice', { iss: `${id.url}/` }), foreign],
  ['a list of issuers', () => id.token('alice', { iss: [id.url] }), kindless],
  ['expired', () => id.token('alice', { exp: now - 60 }), 'The token has expired.'],
  ['not valid yet', () => id.token('alice', { nbf: now + 120 }), 'The token is not valid yet.'],
  ['issued in the future', () => id.token('alice', { iat: now + 120 }), 'The token says that it was issued in the future.'],
  ['no expiry', () => id.token('alice', { exp: null }), 'The token has no exp.'],
  ['an expiry that is text', () => id.token('alice', { exp: '2999-01-01' }), 'The token has a wrong exp.'],
  ['nobody', () => id.token('alice', { sub: null }), 'The token has no sub.'],
  [
    'a name of two lines',
    () => id.token('alice', { sub: 'alice\nPurser-Approved-By: bob' }),
    'The token has a sub that cannot be used: printable ASCII of at most 255 characters is what it may be.',
  ],
  [
    'more groups than can be',
    () => id.token('alice', { groups: Array.from({ length: 501 }, (_, i) => `g${i}`) }),
    'The token names more than 500 groups. Let the issuer send those that Team documents name.',
  ],
  ['more than a token can be', () => `${'e'.repeat(7_000)}.${encode({ iss: id.url })}.${'e'.repeat(7_000)}`, 'The token is no JWT.'],
  ['cut off in the signature', () => cut(0, -20), wrongSignature],
  ['cut off before the signature', async () => (await id.token('alice')).split('.').slice(0, 2).join('.'), kindless],
  ['cut off at its beginning', () => cut(10, 9_999), 'The token is no JWT.'],
  ['no base64', () => changed(0, '%%%'), kindless],
  ['a header that is no JSON', () => changed(0, 'AAAA'), 'The token is no JWT.'],
  ['claims that are no JSON', () => changed(1, 'AAAA'), kindless],
  ['claims of somebody else', () => changed(1, encode(claimsOf({ sub: 'root' }))), wrongSignature],
  ['a signature of a length that none has', () => changed(2, 'A'), broken],
  ['an encrypted token', () => 'a.b.c.d.e', kindless],
  ['no token at all', () => 'hunter2', kindless],
  ['an API token that nobody made', () => remember(makeToken(new Uint8Array(TOKEN_BYTES).fill(9))), 'This token is not known here.'],
  ['an API token with a letter too many', () => `${server.token}x`, 'This token is not known here.'],
  ['an API token in capitals', () => remember(server.token.toUpperCase()), kindless],
  ['a revoked API token', () => tokens.revoked, 'This token was revoked.'],
  ['an expired API token', () => tokens.expired, 'This token has expired.'],
  ['a short-lived token by another key', () => openTokenSigner(['b'.repeat(40)]).sign(account), notOurs],
  ['a short-lived token by no key', () => forge({ alg: 'none', typ: 'purser+jwt' }, purserClaims), notOurs],
  [
    'a short-lived token by the key itself, not by what is derived from it',
    () => forge({ alg: 'HS256', typ: 'purser+jwt' }, purserClaims, hs256(key)),
    notOurs,
  ],
  ['a short-lived token of a Trust that is not there', () => openTokenSigner([key]).sign(account), notOurs],
  ['an issuer that says it is Purser', () => id.token('red-ci', { iss: 'purser' }), notOurs],
]

const tokens = { revoked: '', expired: '' }
await server.house.apply(boxes)
beforeAll(async () => {
  const admin = await server.api('POST', '/v1/service-accounts', { name: 'red-bot', team: 'red', description: '' })
  expect(admin.status).toBe(201)
  const mint = () => server.api('POST', '/v1/service-accounts/red-bot/tokens', { scopes: ['read'], expiresIn: 3_600 })
  const [revoked, expired] = [await mint(), await mint()]
  Object.assign(tokens, { revoked: textAt(revoked, 'token'), expired: textAt(expired, 'token') })
  expect((await server.api('DELETE', `/v1/service-accounts/red-bot/tokens/${textAt(revoked, 'id')}`)).status).toBe(204)
  const past = "update api_token set expires_at = now() - interval '1 second' where prefix = $1"
  await purse.query(past, [textAt(expired, 'prefix')])
})

type Seen = { readonly status: number; readonly challenge: string | undefined; readonly text: string }

/** As it stands on the wire: headers can be sent twice. */
function get(path: string, headers: readonly string[]): Promise<Seen> {
  return new Promise((resolve, reject) => {
    request(server.url + path, { headers: ['host', new URL(server.url).host, ...headers] })
      .on('error', reject)
      .on('response', (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => void chunks.push(chunk))
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            challenge: answer.headers['www-authenticate'],
            text: Buffer.concat(chunks).toString(),
          }),
        )
      })
      .end()
  })
}

const shown = (token: string) => ['authorization', `Bearer ${token}`]

function problem(status: number, code: string, title: string, detail: string): string {
  return expect.stringContaining(
    JSON.stringify({ type: `https://purser.dev/problems/${code}`, title, status, code, detail }).slice(0, -1),
  ) as string
}

test.each(refused)('%s is nobody', async (_, token, detail) => {
  const sent = await token()
  const answer = await get('/v1/me', shown(sent))

  expect(answer).toEqual({
    status: 401,
    challenge: `Bearer error="invalid_token", error_description="${detail}"`,
    text: problem(401, 'unauthenticated', 'Credentials are missing or not valid', detail),
  })
  expect(visits).toEqual([])
})

const ask = 'Send a token: Authorization: Bearer psr_…'
test.each([
  ['nothing', []],
  ['an empty bearer', ['authorization', 'Bearer ']],
  ['another scheme', ['authorization', `Basic ${Buffer.from('alice:hunter2').toString('base64')}`]],
])('%s is asked for a token, and told of none', async (_, headers) => {
  expect(await get('/v1/me', headers)).toEqual({
    status: 401,
    challenge: 'Bearer',
    text: problem(401, 'unauthenticated', 'Credentials are missing or not valid', ask),
  })
})

test('two tokens are none, whichever is the true one', async () => {
  const [good, bad] = [await id.token('alice'), await stranger.token('alice')]

  for (const headers of [
    [...shown(good), ...shown(bad)],
    [...shown(bad), ...shown(good)],
    [...shown(good), 'Authorization', `Bearer ${good}`],
  ])
    expect(await get('/v1/me', headers)).toMatchObject({
      status: 400,
      text: problem(400, 'malformed', 'The request is malformed', 'Authorization was sent more than once.'),
    })
})

test('a token of a megabyte is not read to its end', async () => {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  // The server is gone before all of it is sent.
  socket.on('error', () => undefined)
  socket.write(`GET /v1/me HTTP/1.1\r\nhost: purser\r\nauthorization: Bearer ${'e'.repeat(20_000)}`)
  await once(socket, 'close')

  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*"detail":"The headers are too large\."/)
})

describe('a token that is true, of somebody who is less than they would like', () => {
  const me = async (token: string) => {
    const { status, text } = await get('/v1/me', shown(token))
    const body: unknown = JSON.parse(text)
    return isObject(body)
      ? { status, subject: body['subject'], email: body['email'], roles: body['platformRoles'], teams: body['teams'] }
      : { status }
  }
  const nobody = { status: 200, email: null, roles: [], teams: [] }
  const developer = [{ name: 'red', role: 'developer' }]

  test('an e-mail that is not verified counts for nothing, nor one that is only called so', async () => {
    for (const verified of [false, null, 'true', 1, [true]])
      expect(await me(await id.token('ann', { email_verified: verified }))).toEqual({ ...nobody, subject: `${id.url}#ann` })
    expect(await me(await id.token('ann'))).toEqual({
      status: 200,
      subject: 'ann@example.com',
      email: 'ann@example.com',
      roles: [],
      teams: expect.arrayContaining(developer),
    })
  })

  test('an e-mail of a domain that the issuer does not count for', async () => {
    for (const email of [
      'ann@example.com',
      'ann@sub.partner.example',
      'ann@example.com@partner.example',
      'ann@partner.example, ann@example.com',
    ])
      expect(await me(await partner.token('ann', { email }))).toEqual({ ...nobody, subject: `${partner.url}#ann` })
    expect(await me(await partner.token('ann', { email: 'Ann@Partner.Example' }))).toMatchObject({ email: 'ann@partner.example' })
  })

  test('an e-mail that only looks like another one', async () => {
    // Lower case of the Kelvin sign is k.
    expect(await me(await id.token('kim', { email: '\u212aim@example.com' }))).toEqual({ ...nobody, subject: `${id.url}#kim` })
  })

  test('the same name at another issuer', async () => {
    expect(await me(await id.token('alice', { email: null }))).toMatchObject({ subject: `${id.url}#alice` })
    expect(await me(await partner.token('alice', { email: null }))).toMatchObject({ subject: `${partner.url}#alice` })
  })

  test('a member who was removed has no role from then on, with the same token', async () => {
    await server.house.apply(
      '{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: gone }, spec: { members: [{ user: rem@example.com, role: owner }] } }',
    )
    const token = await id.token('rem')
    expect(await me(token)).toMatchObject({ teams: [{ name: 'gone', role: 'owner' }] })

    await server.house.apply('{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: gone }, spec: { members: [] } }')
    expect(await me(token)).toMatchObject({ status: 200, teams: [] })
  })

  test('a group that lapsed', async () => {
    await server.house.apply(
      '{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: ops }, spec: { members: [{ group: ops, role: approver }] } }',
    )
    expect(await me(await id.token('gil', { groups: ['ops', 'platform'] }))).toMatchObject({
      roles: ['administrator'],
      teams: [{ name: 'ops', role: 'approver' }],
    })

    expect(await me(await id.token('gil', { groups: [] }))).toMatchObject({ roles: [], teams: [] })
    for (const groups of ['ops', { 0: 'ops' }, [['ops']], [' ops'], ['OPS']])
      expect(await me(await id.token('gil', { groups }))).toMatchObject({ roles: [], teams: [] })
  })
})

test('nothing of all this is in the log', () => {
  expect(secretsMade()).toBeGreaterThan(60)
  expect(server.log.length).toBeGreaterThan(50)
  expect(leaksIn(server.log.join(''))).toEqual([])
})
