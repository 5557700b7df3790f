import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { isObject, type JsonObject } from '../../src/core/json.ts'
import { requestStates } from '../../src/core/request.ts'
import type { Caller } from '../../src/operations/caller.ts'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { approveRequest, rejectRequest } from '../../src/operations/decide-request.ts'
import { listRequests, readRequest } from '../../src/operations/read-requests.ts'
import { listResources } from '../../src/operations/read-resources.ts'
import { openRecent } from '../../src/operations/recent.ts'
import { listRequestVersions } from '../../src/store/request-lists.ts'
import { sightOfAll } from '../../src/store/requests.ts'
import { listResourceVersions } from '../../src/store/resource-lists.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, update } from '../support/house.ts'
import { textOf } from '../support/text-of.ts'

/** What was shown once is kept and shown again: whoever looks must not be able to tell. */
const house = await openHouse()
const { context } = house
await house.apply(
  [boxes, budget('red', "{ scope: { team: red }, limit: '90000.00' }"), budget('wide', "{ scope: {}, limit: '90000.00' }")].join('\n---\n'),
)
const [ann, ove, bob, bea] = [
  await house.person('ann@example.com'),
  await house.person('ove@example.com'),
  await house.person('bob@example.com'),
  await house.person('bea@example.com'),
]
const owner = new pg.Client({ connectionString: house.urls.ownerUrl })
await owner.connect()
afterAll(() => owner.end())

const page = { first: 200, after: null }
const names = { next: 0 }
let id = ''
let name = ''

async function asked(units: number): Promise<void> {
  name = `again${names.next++}`
  id = idOf(await ask(house, ann, [create(name, units)]))
}

async function listed(caller: Caller): Promise<JsonObject | undefined> {
  const list = await listRequests(context, caller, {}, page)
  return list.ok ? list.value.items.find((item) => item['id'] === id) : undefined
}

async function read(caller: Caller): Promise<JsonObject | undefined> {
  const answer = await readRequest(context, caller, id)
  return answer.ok ? answer.value : undefined
}

async function digest(): Promise<string> {
  const plan = (await read(ann))?.['plan']
  return isObject(plan) ? textOf(plan['digest']) : ''
}

describe('a request that was shown before is shown as it is now', () => {
  beforeEach(() => asked(5))

  test('when it is committed', async () => {
    expect([await listed(ann), await read(ann)]).toMatchObject([{ state: 'queued' }, { state: 'queued' }])

    await commitAll(context.database.pool)

    const now = { state: 'committed', delivery: { commit: expect.any(String) }, nextAction: null }
    expect([await listed(ann), await read(ann)]).toMatchObject([now, now])
  })

  test('when it is cancelled by another process', async () => {
    await listed(ann)
    await cancelRequest(house.another(), ann, id)

    expect([await listed(ann), await read(ann)]).toMatchObject([{ state: 'cancelled' }, { state: 'cancelled' }])
  })

  test('when its branch takes nothing any more, and when it does again', async () => {
    await listed(ann)
    await owner.query(`update branch set state = 'refuses', detail = 'a hook says no'`)
    const held = [await listed(ann), await read(ann)]
    await owner.query(`update branch set state = 'ok', detail = null`)

    const hold = { hold: { kind: 'branch-refuses', reason: 'a hook says no' } }
    expect(held).toMatchObject([hold, hold])
    expect([await listed(ann), await read(ann)]).toMatchObject([{ hold: null }, { hold: null }])
  })

  test('and the same thing as long as nothing happens', async () => {
    const first = await listed(ann)

    expect(await listed(ann)).toBe(first)
    expect(await read(ann)).toBe(first)
  })
})

test('every vote is shown at once, in lists and alone', async () => {
  await asked(800)
  expect(await listed(ann)).toMatchObject({ nextAction: expect.stringContaining('2 approvals'), approvals: [] })
  const planDigest = await digest()

  await approveRequest(context, bob, id, { planDigest })
  const once = [await listed(ann), await read(ann)]
  await approveRequest(context, bea, id, { planDigest })

  const waits = { state: 'pending_approval', approvals: [{ by: 'bob@example.com' }] }
  expect(once).toMatchObject([waits, waits])
  const released = { state: 'queued', approvals: [{ by: 'bob@example.com' }, { by: 'bea@example.com' }] }
  expect([await listed(ann), await read(ann)]).toMatchObject([released, released])
})

test('nobody is shown the numbers that were shown to somebody who may see more', async () => {
  await asked(600)
  const wide = async (caller: Caller, look: typeof read) => {
    const budgets = (await look(caller))?.['budgets'] as unknown as readonly JsonObject[] // As a request shows them.
    return budgets.map((each) => `${textOf(each['name'])} ${each['remaining'] === undefined ? 'fits' : 'in numbers'}`)
  }
  const cancelled = await cancelRequest(context, ove, id)
  expect(cancelled.ok).toBe(true)

  for (const look of [listed, read, listed, read]) {
    expect(await wide(house.administrator, look)).toEqual(['red in numbers', 'wide in numbers'])
    expect(await wide(ann, look)).toEqual(['red in numbers', 'wide fits'])
  }
  // Blue may approve it and is not red. It is cancelled, so lists do not have it any more.
  expect(await wide(bob, read)).toEqual(['red fits', 'wide fits'])
  expect(await wide(ann, read)).toEqual(['red in numbers', 'wide fits'])
})

test('a resource that was listed before is listed as it is now', async () => {
  await asked(5)
  const units = async () => {
    const list = await listResources(context, ann, {}, page)
    return list.ok ? list.value.items.filter((item) => item['name'] === name) : []
  }
  await commitAll(context.database.pool)
  expect(await units()).toMatchObject([{ parameters: { units: 5 }, files: [{ path: expect.any(String) }] }])
  const before = (await units())[0]

  idOf(await ask(house, ann, [update(name, 6)]))
  await commitAll(context.database.pool)

  const now = await units()
  expect(now).toMatchObject([{ parameters: { units: 6 } }])
  expect(now[0]?.['files']).not.toEqual(before?.['files'])
})

test('what waits for approvals is what the requirements of pending requests say, whatever becomes of them', async () => {
  const moves = [
    async () => undefined,
    async () => cancelRequest(context, ann, id),
    async () => rejectRequest(context, bob, id, { comment: 'no' }),
    async () => approveRequest(context, bob, id, { planDigest: await digest() }),
  ]
  for (const units of [500, 700]) {
    for (const move of moves) {
      await asked(units)
      await move()
    }
  }

  const { rows } = await owner.query(
    `select (select jsonb_agg(to_jsonb(w) order by w.request_id, w.ordinal) from waiting_approval w) as kept,
       (select jsonb_agg(jsonb_build_object('request_id', n.request_id, 'ordinal', n.ordinal, 'team', n.team, 'role', n.role, 'required', n.required) order by n.request_id, n.ordinal)
        from approval_requirement n join request q on q.id = n.request_id where q.state = 'pending_approval') as meant`,
  )
  expect(rows[0].kept).toEqual(rows[0].meant)
  expect(rows[0].kept).toHaveLength(5)
})

test('a row is another one when it was written at another time, though by a transaction of the same number', async () => {
  await asked(5)
  await commitAll(context.database.pool)
  // After a failover to a replica that lagged behind, numbers come a second time; here two writes of one transaction have the same.
  const one = new pg.Pool({ connectionString: house.urls.ownerUrl, max: 1 })
  const versions = async () => {
    const list = await listResourceVersions(one, ['red'], {}, { first: 1, after: null })
    const request = await listRequestVersions(one, sightOfAll, {}, { first: 1, after: null })
    return [list[0]?.version, request[0]?.version]
  }
  const write = async () => {
    await one.query('update request set updated_at = clock_timestamp()')
    await one.query('update resource set updated_at = clock_timestamp()')
    return versions()
  }
  await one.query('begin')
  const [first, second] = [await write(), await write()]
  await one.query('rollback')
  await one.end()

  expect(second[0]).not.toBe(first[0])
  expect(second[1]).not.toBe(first[1])
})

test('whoever tries all filters together does not fill the memory of a connection with statements', async () => {
  const one = new pg.Pool({ connectionString: house.urls.appUrl, max: 1 })
  const sight = { all: false, teams: ['red'], approves: [{ team: 'red', role: 'owner' as const }] }
  const filters = [undefined, ...requestStates].flatMap((state) =>
    [{}, { environment: 'lab' }, { environment: 'lab', resource: { name } }].map((more) => ({ ...more, ...(state && { state }) })),
  )
  for (const filter of filters) await listRequestVersions(one, sight, filter, { first: 5, after: null })
  const { rows } = await one.query('select count(*)::int as kept from pg_prepared_statements')
  await one.end()

  // One for none, one for each state, and one for the place.
  expect(rows).toEqual([{ kept: 2 + requestStates.length }])
})

test('what is remembered is what was kept last, and never more than the weight', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.tuple(key, fc.nat(), fc.integer({ min: 1, max: 15 }))), (most, sets) => {
      const recent = openRecent<{ readonly value: number; readonly weight: number }>(most)
      const last = new Map<string, number>()
      for (const [each, value, weight] of sets) {
        recent.set(each, { value, weight }, weight)
        last.set(each, value)
      }

      const kept = [...last.keys()].map((each) => [each, recent.get(each)] as const)
      for (const [each, found] of kept) if (found !== undefined) expect(found.value).toBe(last.get(each))
      // Two generations of half the weight each, and what overfilled them.
      expect(kept.reduce((sum, [, found]) => sum + (found?.weight ?? 0), 0)).toBeLessThanOrEqual(most + 2 * 15)
    }),
  )
})
