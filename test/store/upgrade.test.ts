import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { idToUuid, parseId } from '../../src/core/ids.ts'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { authenticate } from '../../src/operations/authenticate.ts'
import type { Caller } from '../../src/operations/caller.ts'
import { openAdmission } from '../../src/store/admission.ts'
import { migrate } from '../../src/store/migrate.ts'
import { keepAdminToken } from '../../src/store/principals.ts'
import { withEmptyDatabase } from '../support/database.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouseOn, outcomeOf, update, type Change, type Process } from '../support/house.ts'
import { openPurseOn } from '../support/purse.ts'

const real = join(import.meta.dirname, '../../prisma/migrations')

/** A database as it was when this was its last migration. */
async function databaseAt(last: string) {
  const before = await mkdtemp(join(tmpdir(), 'purser-migrations-'))
  onTestFinished(() => rm(before, { recursive: true }))
  // This version's own reads, by which the house is set up, need the table of schemas; the version before had no look at it.
  for (const name of await readdir(real))
    if (name <= last || name.endsWith('_schemas')) await cp(join(real, name), join(before, name), { recursive: true })
  const urls = await withEmptyDatabase()
  await migrate({ ...urls, directory: before })
  const house = await openHouseOn(urls)
  const purse = openPurseOn(urls.ownerUrl)
  onTestFinished(() => Promise.all([house.close(), purse.close()]).then(() => undefined))
  return { urls, house, purse }
}

test('what was asked before an upgrade is kept to the cent, and the version before goes on beside it', async () => {
  const { urls, house, purse } = await databaseAt('20261124100600_roles')
  const { pool } = house.context.database
  // The version before has its submits admitted by this call.
  const old = {
    query: ({ values }: pg.QueryConfig) =>
      pool.query('select ordinal, answer from admit(array(select jsonb_array_elements($1::jsonb)))', values),
  } as unknown as pg.Pool // Of a pool, admission uses `query` alone.
  const oldHouse = { context: { ...house.context, admission: openAdmission(old) } }
  await house.apply(`${boxes}\n---\n${budget('red-lab', '{ scope: { team: red }, limit: "100.00" }')}`)
  const ann = await house.person('ann@example.com')
  const asked = async (from: Process, change: Change) => expect(outcomeOf(await ask(from, ann, [change]))).toBe('queued')

  await asked(oldHouse, create('lives', 5))
  await commitAll(pool)
  await asked(oldHouse, create('open', 3))
  await asked(oldHouse, update('lives', 2))
  const counters = await purse.counters('red-lab')
  await migrate({ ...urls, directory: real })

  expect(await purse.discrepancies()).toEqual([])
  expect(await purse.counters('red-lab')).toBe(counters)
  await asked(oldHouse, create('by-the-version-before', 1))
  await asked(house, create('by-this-one', 1))
  await commitAll(pool)
  expect(await purse.discrepancies()).toEqual([])
})

test('who voted before people could have several principals has voted, and the version before goes on voting', async () => {
  const { urls, house, purse } = await databaseAt('20261125010200_lists')
  const { pool } = house.context.database
  await house.apply(boxes)
  const [ann, bob, bea] = await Promise.all(['ann', 'bob', 'bea'].map((name) => house.person(`${name}@example.com`)))
  const asked = idOf(await ask(house, ann ?? missing(), [create('needs-two', 700)]))
  const request = idToUuid(parseId('request', asked) ?? missing())
  const voters: string[] = []
  /** As the version before says it. */
  async function vote({ principal }: Caller = missing()): Promise<unknown> {
    const [row] = await purse.query('select plan_digest, (select revision::text from platform) as revision from request where id = $1', [
      request,
    ])
    const document = {
      request,
      principal,
      actor: { subject: 'x', kind: 'person', via: null },
      vote: 'approve',
      comment: null,
      planDigest: row?.['plan_digest'],
      platformRevision: Number(row?.['revision']),
      seen: voters.length,
      satisfies: Object.fromEntries([...voters, principal].map((voter) => [voter, [0, 1]])),
    }
    voters.push(principal)
    const { rows } = await pool.query<{ answer: { outcome: string } }>('select vote($1::jsonb) as answer', [JSON.stringify(document)])
    return rows[0]?.answer.outcome
  }

  expect(await vote(bob)).toBe('done')
  await migrate({ ...urls, directory: real })

  expect(await vote(bea)).toBe('done')
  expect(await purse.query('select state from request where id = $1', [request])).toEqual([{ state: 'queued' }])
  expect(await purse.query(`select count(*)::int as others from principal where human_id <> id`)).toEqual([{ others: 0 }])
})

test('the installation’s token of before goes on, and whom the version before meets is a human of their own', async () => {
  const { urls, house, purse } = await databaseAt('20261125010200_lists')
  const { pool } = house.context.database
  const token = makeToken(randomBytes(TOKEN_BYTES))
  await keepAdminToken(pool, hashToken(token), ['read', 'platform:write', 'impersonate'], true)
  await migrate({ ...urls, directory: real })

  await keepAdminToken(pool, hashToken(token), ['read', 'platform:write', 'impersonate'], true)
  await pool.query(`select know_principal('person', 'zoe@example.com')`)

  expect(await authenticate(house.context, { authorization: `Bearer ${token}`, onBehalfOf: undefined, reads: true })).toMatchObject({
    ok: true,
    value: { subject: 'admin', administrator: true, credential: { kind: 'api-token', expiresAt: null } },
  })
  expect(await purse.query(`select human_id = id as own from principal where subject = 'zoe@example.com'`)).toEqual([{ own: true }])
})

function missing(): never {
  throw new Error('somebody or something is missing')
}
