import { expect, test } from 'vitest'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { authenticate } from '../../src/operations/authenticate.ts'
import { scopes } from '../../src/operations/caller.ts'
import { keepAdminToken, readPrincipal } from '../../src/store/principals.ts'
import { boxes, openHouse } from '../support/house.ts'

const house = await openHouse()
await house.apply(boxes)
const { context } = house
const { pool } = context.database
const tokens = [0, 1].map((i) => makeToken(new Uint8Array(TOKEN_BYTES).fill(i + 1)))
const [first = '', second = ''] = tokens
const as = (onBehalfOf: string, reads: boolean) => authenticate(context, { authorization: `Bearer ${first}`, onBehalfOf, reads })

test('reading makes nobody known, and writing does', async () => {
  await keepAdminToken(pool, hashToken(first), scopes, true)

  expect(await as('somebody@example.com', true)).toMatchObject({ ok: true, value: { subject: 'somebody@example.com' } })
  expect(await readPrincipal(pool, 'somebody@example.com')).toBeNull()
  expect(await as('somebody@example.com', false)).toMatchObject({ ok: true })
  expect(await readPrincipal(pool, 'somebody@example.com')).not.toBeNull()
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
