import { beforeAll, describe, expect, test, vi } from 'vitest'
import { authenticate } from '../../src/operations/authenticate.ts'
import type { Caller, Scope } from '../../src/operations/caller.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { deleteDocument } from '../../src/operations/retire-document.ts'
import { createServiceAccount, readServiceAccount, retireServiceAccount } from '../../src/operations/service-accounts.ts'
import type { TokenInput } from '../../src/operations/token-input.ts'
import { createToken, listTokens, revokeToken } from '../../src/operations/tokens.ts'
import { seePerson } from '../../src/store/principals.ts'
import { boxes, openHouse, type House } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
await house.apply(boxes)
const owner = openPurse(house.urls.ownerUrl)
const { administrator } = house
const [ove, ann, zed] = await Promise.all(['ove', 'ann', 'zed'].map((name) => house.person(`${name}@example.com`)))
if (ove === undefined || ann === undefined || zed === undefined) throw new Error('three people')
/** Another process of the installation: its caches are its own. */
const other = house.another()
let made = 0

async function account(team = 'red', caller: Caller = administrator): Promise<string> {
  const name = `bot-${++made}`
  const answer = await createServiceAccount(house.context, caller, { name, team })
  if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
  return name
}

type Minted = { readonly id: string; readonly token: string; readonly answer: Readonly<Record<string, unknown>> }

async function mint(name: string, more: Partial<Parameters<typeof createToken>[3]> = {}, caller: Caller = administrator): Promise<Minted> {
  const answer = await createToken(house.context, caller, name, { scopes: ['read', 'requests:write'], expiresIn: 3_600, ...more })
  if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
  return { id: textOf(answer.value['id']), token: textOf(answer.value['token']), answer: answer.value }
}

const show = (token: string, context: House['context'] = house.context, onBehalfOf?: string) =>
  authenticate(context, { authorization: `Bearer ${token}`, onBehalfOf, reads: true })
const unauthenticated = (detail: string) => ({ ok: false, problem: { code: 'unauthenticated', detail } })
/** Seen by both processes, whose memories believed it a moment ago. Not `expect.poll`: of tests that run side by side it knows one. */
const dies = (token: string, detail: string) =>
  Promise.all(
    [house.context, other].map((context) =>
      vi.waitFor(async () => expect(await show(token, context)).toMatchObject(unauthenticated(detail)), { timeout: 1_500 }),
    ),
  )

async function eventsAbout(subject: string): Promise<unknown[]> {
  const page = await listEvents(house.context, administrator, { subject }, { first: 50, after: null })
  return page.ok ? page.value.items.map((event) => textOf(event['type'])) : []
}

describe('a service account', () => {
  test('acts in its own team as developer, and nowhere else', async () => {
    const { token } = await mint(await account())

    expect(await show(token)).toMatchObject({
      ok: true,
      value: { kind: 'service-account', team: 'red', administrator: false, email: null },
    })
  })

  test('is made and retired by owners of its team and administrators, and each is an event', async () => {
    const name = await account('red', ove)
    expect(await createServiceAccount(house.context, ove, { name: 'other', team: 'grey' })).toMatchObject({
      problem: { code: 'forbidden' },
    })
    expect(await createServiceAccount(house.context, ann, { name: 'other', team: 'red' })).toMatchObject({ problem: { code: 'forbidden' } })
    expect(await createServiceAccount(house.context, ove, { name: 'other', team: 'nowhere' })).toMatchObject({
      problem: { code: 'invalid' },
    })
    expect(await retireServiceAccount(house.context, ann, name)).toMatchObject({ problem: { code: 'forbidden' } })
    expect(await retireServiceAccount(house.context, zed, name)).toMatchObject({ problem: { code: 'not-found' } })
    expect(await retireServiceAccount(house.context, ove, name)).toEqual({ ok: true, value: null })

    expect(await readServiceAccount(house.context, ove, name)).toMatchObject({ problem: { code: 'not-found' } })
    expect(await eventsAbout(name)).toEqual([
      'dev.purser.service-account.created.v1',
      'dev.purser.access.refused.v1',
      'dev.purser.service-account.retired.v1',
    ])
  })

  test('has a name that nobody had before, nor has after it, nor Purser itself', async () => {
    const name = await account()
    await retireServiceAccount(house.context, administrator, name)

    expect(await createServiceAccount(house.context, administrator, { name, team: 'red' })).toMatchObject({ problem: { code: 'in-use' } })
    for (const own of ['admin', 'purser'])
      expect(await createServiceAccount(house.context, administrator, { name: own, team: 'red' })).toMatchObject({
        problem: { code: 'invalid' },
      })
  })

  test('keeps its team from being removed, as long as it is in use', async () => {
    await house.apply('{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: short }, spec: {} }')
    const name = await account('short')
    const remove = () => deleteDocument(house.context, administrator, 'Team', 'short', { dryRun: false, ifMatch: null })

    expect(await remove()).toMatchObject({ problem: { code: 'in-use', usedBy: [`ServiceAccount ${name}`] } })
    await retireServiceAccount(house.context, administrator, name)
    expect(await remove()).toEqual({ ok: true, value: null })
  })
})

describe('a token', () => {
  test('is stored as a hash, and shown once', async () => {
    const name = await account()
    const { id, token } = await mint(name)
    const listed = await listTokens(house.context, administrator, name, { first: 50, after: null })
    const rows = await owner.query(`select row_to_json(t)::text as row from api_token t`)

    expect(JSON.stringify(rows)).not.toContain(token)
    expect(listed).toMatchObject({ ok: true, value: { items: [{ id, prefix: token.slice(0, 8), createdBy: 'admin', revokedAt: null }] } })
    expect(JSON.stringify(listed)).not.toContain(token)
  })

  test.concurrent('dies everywhere within a second when it is revoked, which is the same again', async () => {
    const name = await account()
    const { id, token } = await mint(name)
    expect([(await show(token)).ok, (await show(token, other)).ok]).toEqual([true, true])

    expect(await revokeToken(house.context, ove, name, id)).toEqual({ ok: true, value: null })
    expect(await revokeToken(house.context, ove, name, id)).toEqual({ ok: true, value: null })

    await dies(token, 'This token was revoked.')
    expect(await eventsAbout(id)).toEqual(['dev.purser.token.created.v1', 'dev.purser.token.revoked.v1'])
  })

  test.concurrent('dies with its account', async () => {
    const name = await account()
    const { token } = await mint(name)
    await Promise.all([show(token), show(token, other)])
    await retireServiceAccount(house.context, ove, name)

    await dies(token, 'This token was revoked.')
  })

  test.concurrent('that is replaced goes on for the overlap, and no longer', async () => {
    const name = await account()
    const [first, second] = [await mint(name), await mint(name)]
    const next = await mint(name, { replaces: first.id, overlap: 3_600_000 })
    const last = await mint(name, { replaces: second.id })

    expect([(await show(first.token)).ok, (await show(next.token)).ok, (await show(last.token)).ok]).toEqual([true, true, true])
    await dies(second.token, 'This token has expired.')
    const listed = await listTokens(house.context, ove, name, { first: 50, after: null })
    // An overlap beyond its own end does not make it live longer.
    expect(listed.ok ? listed.value.items.find(({ id }) => id === first.id) : null).toMatchObject({
      expiresAt: first.answer['expiresAt'],
      replacedBy: next.id,
    })
    expect(await createToken(house.context, ove, name, { scopes: ['read'], expiresIn: 60, replaces: 'tok_nothing' })).toMatchObject({
      problem: { code: 'invalid', errors: [{ pointer: '/replaces' }] },
    })
  })

  test.concurrent('that has expired is told so, whatever the memory of it says', async () => {
    const { id, token } = await mint(await account(), { expiresIn: 60 })
    expect((await show(token)).ok).toBe(true)
    await owner.query(`update api_token set expires_at = now() where type_id('tok', id) = $1`, [id])

    await dies(token, 'This token has expired.')
  })

  test.concurrent('says when it was used', async () => {
    const name = await account()
    const { token } = await mint(name)
    await show(token)

    await vi.waitFor(
      async () => {
        const listed = await listTokens(house.context, ove, name, { first: 1, after: null })
        expect(listed.ok ? listed.value.items[0]?.['lastUsedAt'] : null).not.toBeNull()
      },
      { timeout: 3_000 },
    )
  })

  test('is issued by owners of its team and administrators; one that acts for people by administrators alone', async () => {
    const name = await account()
    const bot: { scopes: Scope[]; expiresIn: number; impersonateTeams: string[] } = {
      scopes: ['impersonate'],
      expiresIn: 60,
      impersonateTeams: ['red'],
    }

    expect(await createToken(house.context, ove, name, { scopes: ['read'], expiresIn: 60 })).toMatchObject({ ok: true })
    expect(await createToken(house.context, ann, name, { scopes: ['read'], expiresIn: 60 })).toMatchObject({
      problem: { code: 'forbidden' },
    })
    expect(await createToken(house.context, zed, name, { scopes: ['read'], expiresIn: 60 })).toMatchObject({
      problem: { code: 'not-found' },
    })
    expect(await createToken(house.context, ove, name, bot)).toMatchObject({
      problem: { code: 'forbidden', needs: 'platform role administrator' },
    })
    expect(await createToken(house.context, administrator, name, bot)).toMatchObject({ ok: true })
  })

  test.each<[Omit<TokenInput, 'expiresIn'>, string]>([
    [{ scopes: ['impersonate'] }, '/impersonateTeams'],
    [{ scopes: ['read'], impersonateTeams: ['red'] }, '/impersonateTeams'],
    [{ scopes: ['impersonate'], impersonateTeams: ['red', 'nowhere'] }, '/impersonateTeams/1'],
    [{ scopes: ['read'], overlap: 5 }, '/overlap'],
  ])('%j is refused at %s', async (input, pointer) => {
    const answer = await createToken(house.context, administrator, await account(), {
      expiresIn: 60,
      ...input,
    })

    expect(answer).toMatchObject({ problem: { code: 'invalid', errors: [{ pointer }] } })
  })

  test('with both halves of four eyes says so, and so does one with scopes that do nothing', async () => {
    const name = await account()
    const halves = await mint(name, { scopes: ['requests:write', 'approvals:write', 'impersonate'], impersonateTeams: ['*'] })
    const idle = await mint(name, { scopes: ['platform:write', 'approvals:write'] })

    expect(halves.answer['warnings']).toEqual([expect.stringContaining('both halves')])
    expect(idle.answer['warnings']).toEqual([expect.stringContaining('platform:write'), expect.stringContaining('approvals:write')])
  })

  test('for some teams gives a person their roles in those alone', async () => {
    const { token } = await mint(await account('grey'), { scopes: ['read', 'impersonate'], impersonateTeams: ['blue'] })

    expect(await show(token, house.context, 'ann@example.com')).toMatchObject({
      ok: true,
      value: { onlyTeams: ['blue'], email: 'ann@example.com' },
    })
  })
})

describe('the database', () => {
  beforeAll(async () => {
    await mint(await account())
    const sight = { issuer: 'https://id.example.com', subject: '1', groups: [] }
    for (const email of ['before@example.com', 'after@example.com']) await seePerson(house.context.database.pool, { ...sight, email })
  })

  test.each([
    ['a token that lives for ever', `update api_token set expires_at = null where not administrator`, 'PU006'],
    ['a token that lives longer', `update api_token set expires_at = expires_at + interval '1 day' where not administrator`, 'PU006'],
    ['a token with more scopes', `update api_token set scopes = '{read,platform:write}' where not administrator`, 'PU006'],
    ['a token that somebody else minted', `update api_token set created_by = principal_id where not administrator`, 'PU006'],
    ['a revoked token that is none any more', `update api_token set revoked_at = null where revoked_at is not null`, 'PU006'],
    ['no token', `delete from api_token`, 'PU006'],
    [
      'a token without an end',
      `insert into api_token (id, principal_id, hash, scopes) select gen_random_uuid(), principal_id, '\\x00', '{}' from service_account limit 1`,
      '23514',
    ],
    ['an account of another team', `update service_account set team = 'grey' where team = 'red'`, 'PU006'],
    ['an account that is in use again', `update service_account set retired_at = null where retired_at is not null`, 'PU006'],
    ['no account', `delete from service_account`, 'PU006'],
    ['another subject', `update principal set subject = subject || 'x'`, 'PU006'],
    [
      'a program that is a person',
      `update principal set human_id = (select id from principal where kind = 'person' limit 1) where kind = 'service-account'`,
      'PU006',
    ],
    ['a human taken apart', `update principal set human_id = id where subject = 'after@example.com'`, 'PU006'],
    [
      'half a human given to another',
      `update principal set human_id = (select id from principal where subject = 'ove@example.com') where subject = 'after@example.com'`,
      'PU006',
    ],
  ])('has %s refused, even to the owner', async (_, sql, state) => {
    await expect(owner.query(sql)).rejects.toMatchObject({ code: state })
  })
})
