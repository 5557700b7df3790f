import { hkdfSync } from 'node:crypto'
import { decodeProtectedHeader, SignJWT, type JWTHeaderParameters } from 'jose'
import { expect, test } from 'vitest'
import { openTokenSigner } from '../../src/adapters/issuer/purser-tokens.ts'
import type { ShortLived } from '../../src/operations/ports.ts'

const [first, second] = ['first key of thirty-two characters', 'second key of thirty-two characters']
const now = Date.UTC(2026, 10, 26, 12)
const at =
  (ms = now) =>
  () =>
    ms
const claims: ShortLived = {
  id: 'tok_01h455vb4pex5vsknk084sn02q',
  serviceAccount: 'red-ci',
  trust: 'deploy',
  trustRevision: 3,
  scopes: ['read', 'requests:write'],
  expiresAt: new Date(now + 900_000),
}

test('what was signed is read back, until it expires', async () => {
  const token = await openTokenSigner([first], at()).sign(claims)

  expect(await openTokenSigner([first], at(now + 899_000)).verify(token)).toEqual(claims)
  expect(await openTokenSigner([first], at(now + 900_000)).verify(token)).toBeNull()
})

test('one key follows another: the first signs, all verify, and one that is gone verifies nothing', async () => {
  const token = await openTokenSigner([first], at()).sign(claims)
  const both = openTokenSigner([second, first], at())

  expect(await both.verify(token)).toEqual(claims)
  expect(await openTokenSigner([second], at()).verify(token)).toBeNull()
  expect(await openTokenSigner([second], at()).verify(await both.sign(claims))).toEqual(claims)
})

test('the key is in no token, neither as it is nor what is derived from it', async () => {
  const token = await openTokenSigner([first], at()).sign(claims)
  const derived = Buffer.from(hkdfSync('sha256', first, '', 'purser short-lived tokens v1', 32))

  for (const secret of [first, derived.toString('base64url'), Buffer.from(first).toString('base64url')]) expect(token).not.toContain(secret)
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'HS256', typ: 'purser+jwt', kid: expect.stringMatching(/^[\w-]{16}$/) })
})

/** By the very key, so that all else has to be right too. */
const key = new Uint8Array(hkdfSync('sha256', first, '', 'purser short-lived tokens v1', 32))
const body = {
  iss: 'purser',
  aud: 'purser',
  sub: 'red-ci',
  jti: 'tok_x',
  exp: now / 1_000 + 900,
  scope: 'read',
  trust: 'deploy',
  trust_revision: 3,
}

type Members = Readonly<Record<string, unknown>>
test.each<[string, Members, Members, string | undefined]>([
  ['as it should be', {}, {}, 'red-ci'],
  ['another type', { typ: 'at+jwt' }, {}, undefined],
  ['no type', { typ: undefined }, {}, undefined],
  ['another algorithm of the same key', { alg: 'HS512' }, {}, undefined],
  ['another key’s name', { kid: 'another' }, {}, undefined],
  ['an extension', { crit: ['b64'], b64: true }, {}, undefined],
  ['another issuer', {}, { iss: 'https://id.example.com' }, undefined],
  ['another audience', {}, { aud: 'argocd' }, undefined],
  ['no expiry', {}, { exp: undefined }, undefined],
  ['nobody', {}, { sub: undefined }, undefined],
  ['no Trust', {}, { trust: undefined }, undefined],
  ['no name of its own', {}, { jti: undefined }, undefined],
])('of tokens by the very key with %s', async (_, header, more, account) => {
  const signer = openTokenSigner([first], at())
  const { kid = '' } = decodeProtectedHeader(await signer.sign(claims))
  const token = await new SignJWT({ ...body, ...more })
    .setProtectedHeader({ alg: 'HS256', typ: 'purser+jwt', kid, ...header } as JWTHeaderParameters)
    .sign(key)

  expect((await signer.verify(token))?.serviceAccount).toBe(account)
})

test.each(['', 'a', 'a.b.c', '..', 'x'.repeat(20_000)])('rubbish is nobody’s (%#)', async (token) => {
  expect(await openTokenSigner([first], at()).verify(token)).toBeNull()
})
