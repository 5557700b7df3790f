import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { Fault } from '../../src/core/fault.ts'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { rejectRequest } from '../../src/operations/decide-request.ts'
import { claim, commitAll, commitClaimed, failClaimed } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, remove, update, type Change } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { openSessions } from '../support/sessions.ts'

/** Whatever takes several locks takes them in one order: request, then resources by id, then budgets by id. */
const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const sessions = await openSessions(house, 4)
const holder = await openHolder(house.urls.ownerUrl)
const [session] = sessions
if (session === undefined) throw new Error('a session')
const budgets = ['{ team: red }', '{ environment: lab }', '{ team: red, environment: lab }', '{}', '{ team: blue }'].map((scope, i) =>
  budget(`b${i}`, `{ scope: ${scope}, limit: '40000.00' }`),
)
await house.apply([boxes, ...budgets].join('\n---\n'))
const [ann, bob] = [await house.person('ann@example.com'), await house.person('bob@example.com')]
const { pool } = house.context.database

/** The owner, in a transaction of its own that holds one row. */
async function openHolder(ownerUrl: string): Promise<{ readonly pid: number; hold(sql: string): Promise<void>; release(): Promise<void> }> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  afterAll(() => client.end())
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return {
    pid: rows[0]?.pid ?? 0,
    async hold(sql) {
      await client.query('begin')
      await client.query(sql)
    },
    release: async () => void (await client.query('rollback')),
  }
}

const trio = ['x', 'y', 'z']
const submitsOf = {
  'a submit': async () => {
    await commitAll(pool)
    return () =>
      ask(
        session,
        ann,
        trio.map((name) => update(name, 5)),
      )
  },
  'a settlement': async () => {
    idOf(
      await ask(
        house,
        ann,
        trio.map((name) => update(name, 6)),
      ),
    )
    const claimed = (await claim(pool)).map((request) => request.id)
    return () => commitClaimed(session.pool, claimed)
  },
  'a failure': async () => {
    const id = idOf(
      await ask(
        house,
        ann,
        trio.map((name) => update(name, 7)),
      ),
    )
    await claim(pool)
    return () => failClaimed(session.pool, id)
  },
  'a cancellation': async () => {
    const id = idOf(
      await ask(
        house,
        ann,
        trio.map((name) => update(name, 8)),
      ),
    )
    return () => cancelRequest(session.context, ann, id)
  },
  'a rejection': async () => {
    const id = idOf(
      await ask(
        house,
        ann,
        trio.map((name) => update(name, 500)),
      ),
    )
    return () => rejectRequest(session.context, bob, id, { comment: 'no' })
  },
}

describe('while it waits for the first row, it holds none of the others:', () => {
  test.each(Object.entries(submitsOf))('%s', async (_, prepare) => {
    if ((await purse.query('select from resource')).length === 0)
      idOf(
        await ask(
          house,
          ann,
          trio.map((name) => create(name, 1)),
        ),
      )
    await commitAll(pool)
    const act = await prepare()

    for (const table of ['resource', 'budget']) {
      await holder.hold(`select from ${table} where id = (select min(id::text)::uuid from ${table}) for no key update`)
      const acting = table === 'budget' ? act() : inTransaction(act)
      await session.untilBlockedBy(holder)
      const others = await purse.query(
        `select from ${table} where id <> (select min(id::text)::uuid from ${table}) for no key update skip locked`,
      )
      await holder.release()
      await acting

      expect([table, others.length]).toEqual([table, table === 'budget' ? budgets.length - 1 : trio.length - 1])
    }
    expect(await purse.discrepancies()).toEqual([])
  })

  /** Undone afterwards, so that it can be done again. */
  async function inTransaction(act: () => Promise<unknown>): Promise<void> {
    await session?.begin()
    await act()
    await session?.rollback()
  }
})

describe('locks in every order', () => {
  const names = Array.from({ length: 8 }, (_, i) => `n${i}`)

  function shuffled<T>(items: readonly T[], random: () => number): T[] {
    return items
      .map((item) => ({ item, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item)
  }

  test('of many submits, settlements and cancellations at once never end in a deadlock', async () => {
    // Each session does one thing at a time, so a deadlock would surface as a Fault instead of another try in a batch.
    const outcomes = await Promise.allSettled(sessions.map((session, index) => rounds(session, index)))

    for (const outcome of outcomes) expect(outcome.status === 'rejected' ? outcome.reason : null).toBeNull()
  })

  async function rounds(session: (typeof sessions)[number], seed: number): Promise<void> {
    let state = seed + 1
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    for (let round = 0; round < 60; round++) {
      const changes = shuffled(names, random)
        .slice(0, 4)
        .map((name): Change =>
          round % 3 === 0 ? create(name, 3) : round % 3 === 1 ? update(name, 1 + Math.floor(random() * 9)) : remove(name),
        )
      const submitted = await ask(session, ann, changes, { environment: random() < 0.5 ? 'lab' : 'vault' })
      if (submitted.answer.ok && random() < 0.4) await cancelRequest(session.context, ann, idOf(submitted))
      const claimed = random() < 0.5 ? await claim(session.pool, 3) : []
      // Another session may have settled them, or moved the branch's epoch, meanwhile.
      if (claimed.length > 0)
        await commitClaimed(
          session.pool,
          shuffled(claimed, random).map((request) => request.id),
        ).catch(ignoreOtherWriter)
    }
  }

  function ignoreOtherWriter(error: unknown): void {
    if (error instanceof Fault || !(error instanceof Error) || error.message !== 'another writer is at work') throw error
  }
})
