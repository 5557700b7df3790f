import { afterAll, describe, expect, test } from 'vitest'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { authenticate } from '../../src/operations/authenticate.ts'
import { scopes } from '../../src/operations/caller.ts'
import { readMe } from '../../src/operations/read-me.ts'
import { keepAdminToken, readPerson } from '../../src/store/principals.ts'
import { boxes, openHouse } from '../support/house.ts'
import { startIssuer } from '../support/issuer.ts'
import { openPurse } from '../support/purse.ts'

const issuer = await startIssuer()
const issuers = openIssuers({
  configured: [issuer.url],
  audience: 'purser',
  emailDomains: new Map(),
  log: { warn: () => undefined, info: () => undefined },
})
afterAll(() => {
  issuers.close()
  return issuer.stop()
})
const house = await openHouse({
  issuers,
  groupsTtlMs: 60_000,
  platformRoles: { administrators: ['Root@example.com', 'group:platform'], auditors: ['eva@example.com', 'group:audit'] },
})
await house.apply(boxes)
await house.apply(
  `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: red }, spec: { members: [{ user: ann@example.com, role: viewer }, { group: red-devs, role: developer }] } }`,
)
const owner = openPurse(house.urls.ownerUrl)
const { context } = house
const { pool } = context.database
const tokens = [0, 1].map((i) => makeToken(new Uint8Array(TOKEN_BYTES).fill(i + 1)))
const [first = '', second = ''] = tokens
const as = (onBehalfOf: string, reads: boolean) => authenticate(context, { authorization: `Bearer ${first}`, onBehalfOf, reads })

test('reading makes nobody known, and writing does', async () => {
  await keepAdminToken(pool, hashToken(first), scopes, true)

  expect(await as('somebody@example.com', true)).toMatchObject({ ok: true, value: { subject: 'somebody@example.com' } })
  expect(await readPerson(pool, 'somebody@example.com', 0)).toBeNull()
  expect(await as('somebody@example.com', false)).toMatchObject({ ok: true })
  expect(await readPerson(pool, 'somebody@example.com', 0)).not.toBeNull()
})

test.each([
  '',
  'ann',
  '@example.com',
  'ann@',
  'ann@@example.com',
  'ann@example.com.',
  'ann@example..com',
  'ann@-',
  'a b@example.com',
  'ann@example.com, bob@example.com',
  `${'x'.repeat(65)}@example.com`,
])('%j is no person', async (person) => {
  expect(await as(person, false)).toMatchObject({ ok: false, problem: { code: 'malformed' } })
})

test('an address is the same in any case, and without the spaces around it', async () => {
  expect(await as(' ANN@Example.COM ', false)).toMatchObject({ ok: true, value: { email: 'ann@example.com' } })
})

test('a token that took the place of another one revokes it within a second, where there is one file for both', async () => {
  await keepAdminToken(pool, hashToken(second), scopes, true)

  await expect
    .poll(async () => (await authenticate(context, { authorization: `Bearer ${first}`, onBehalfOf: undefined, reads: true })).ok, {
      timeout: 5_000,
    })
    .toBe(false)
  expect(await authenticate(context, { authorization: `Bearer ${second}`, onBehalfOf: undefined, reads: true })).toMatchObject({ ok: true })
})

const show = (bearer: string, onBehalfOf?: string) => authenticate(context, { authorization: `Bearer ${bearer}`, onBehalfOf, reads: true })
const shown = (value: object) => ({ ok: true, value })

async function rolesOf(bearer: string, onBehalfOf?: string): Promise<unknown> {
  const caller = await show(bearer, onBehalfOf)
  const me = caller.ok ? await readMe(context, caller.value) : caller
  return me.ok ? { teams: me.value['teams'], platformRoles: me.value['platformRoles'] } : me
}

describe('somebody who signed in', () => {
  test('is known from first sight, by reading alone too, by their verified e-mail', async () => {
    const signedIn = await show(await issuer.token('Carl', { email: 'Carl@Example.com' }))

    expect(signedIn).toMatchObject(shown({ subject: 'carl@example.com', kind: 'person', credential: { kind: 'oidc', id: null } }))
    expect(signedIn.ok ? signedIn.value.principal : null).toBe((await readPerson(pool, 'carl@example.com', 0))?.principal)
    expect(signedIn.ok ? [...signedIn.value.scopes] : []).toEqual(scopes.filter((scope) => scope !== 'impersonate'))
  })

  test('without a verified e-mail is who the issuer says, and no member by e-mail', async () => {
    const bearer = await issuer.token('ann', { email_verified: false })

    expect(await show(bearer)).toMatchObject(shown({ subject: `${issuer.url}#ann`, email: null }))
    expect(await rolesOf(bearer)).toMatchObject({ teams: [] })
  })

  test('has the highest role that their e-mail and their groups give', async () => {
    expect(await rolesOf(await issuer.token('ann'))).toMatchObject({ teams: [{ name: 'blue' }, { name: 'red', role: 'viewer' }] })
    expect(await rolesOf(await issuer.token('ann', { groups: ['red-devs', 'else'] }))).toMatchObject({
      teams: [{ name: 'blue' }, { name: 'red', role: 'developer' }],
    })
  })

  test('has roles in the platform by e-mail or group', async () => {
    const roles = async (login: string, groups: readonly string[] = []) => rolesOf(await issuer.token(login, { groups }))

    expect(await roles('root')).toMatchObject({ platformRoles: ['administrator'] })
    expect(await roles('eva')).toMatchObject({ platformRoles: ['auditor'] })
    expect(await roles('pat', ['platform', 'audit'])).toMatchObject({ platformRoles: ['administrator', 'auditor'] })
    expect(await roles('pat')).toMatchObject({ platformRoles: [] })
    expect(await rolesOf(await issuer.token('root', { email_verified: false }))).toMatchObject({ platformRoles: [] })
  })

  test('never has them where a bot asks for them, nor groups that they were not seen with lately', async () => {
    await show(await issuer.token('root', { groups: ['platform', 'red-devs'] }))
    await expect.poll(() => rolesOf(second, 'root@example.com')).toEqual({ platformRoles: [], teams: [{ name: 'red', role: 'developer' }] })

    await owner.query(`update person_identity set groups_at = now() - interval '61 seconds'`)
    await expect.poll(() => rolesOf(second, 'root@example.com'), { timeout: 1_500 }).toEqual({ platformRoles: [], teams: [] })
  })

  test('costs neither a question to the issuer nor one to the database when they ask again', async () => {
    const bearer = await issuer.token('dora')
    const [first, keys] = [await show(bearer), issuer.asked.length]
    const before = await owner.query('select seen_at, xmin from person_identity where sub = $1', ['dora'])
    const again = await show(bearer)

    expect(again.ok && first.ok && again.value).toBe(first.ok && first.value)
    expect(issuer.asked.length).toBe(keys)
    expect(await owner.query('select seen_at, xmin from person_identity where sub = $1', ['dora'])).toEqual(before)
  })
})

test.each([
  ['psr_short', 'This token is not known here.'],
  ['e30.e30.e30', 'This token is not of a kind that is taken here.'],
  ['e30.e30', 'This token is not of a kind that is taken here.'],
  [`e30.${Buffer.from('{"iss":"purser"}').toString('base64url')}.e30`, 'This token is not of a kind that is taken here.'],
  [`e30.${Buffer.from('{"iss":7}').toString('base64url')}.e30`, 'This token is not of a kind that is taken here.'],
  [`e30.${Buffer.from('{"iss":').toString('base64url')}.e30`, 'This token is not of a kind that is taken here.'],
  ['x'.repeat(16_384), 'This token is not of a kind that is taken here.'],
  ['x'.repeat(16_385), 'Send a token: Authorization: Bearer psr_…'],
])('%.20s… is nobody', async (bearer, detail) => {
  expect(await show(bearer)).toEqual({ ok: false, problem: { code: 'unauthenticated', detail } })
})
