import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { claim, commitAll, commitClaimed, failClaimed } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf, remove, update } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { openSessions } from '../support/sessions.ts'

/**
 * Two sessions stopped where they could go wrong: the first has moved a counter and not committed yet when the second
 * comes. A load test does not find what these find. The limit is 100.00, of which 60.00 live and 30.00 are promised.
 */
const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const [first, second] = await openSessions(house, 2)
if (first === undefined || second === undefined) throw new Error('two sessions')
await house.apply(boxes)
const ann = await house.person('ann@example.com')
const { pool } = house.context.database

let lives = ''
let promised = ''
let serial = 0

beforeEach(async () => {
  serial++
  lives = `lives-${serial}`
  promised = `promised-${serial}`
  await house.apply(budget('purse', `{ scope: { team: red, environment: lab }, limit: '100.00', match: { blueprints: [box] } }`))
  idOf(await ask(house, ann, [create(lives, 60)]))
  await commitAll(pool)
  idOf(await ask(house, ann, [create(promised, 30)]))
  expect(await purse.counters('purse')).toBe('6000+3000/10000')
})

/** Whatever was won and lost: nothing is counted wrong. Then everything goes, for the next one. */
afterEach(async () => {
  expect(await purse.discrepancies()).toEqual([])
  await commitAll(pool)
  const rest = await purse.query("select name from resource where status <> 'deleted'")
  for (const { name } of rest) idOf(await ask(house, ann, [remove(String(name))]))
  await commitAll(pool)
  expect(await purse.counters('purse')).toBe('0+0/10000')
})

/** The request that reserved what is promised, as its own process would name it. */
async function promisedId(): Promise<string> {
  const [claimed] = await claim(pool)
  if (claimed === undefined) throw new Error('nothing is promised')
  return claimed.id
}

describe('a submit that meets an uncommitted', () => {
  test('submit waits, and is refused when together they do not fit', async () => {
    await first.begin()
    expect(outcomeOf(await ask(first, ann, [create('a', 8)]))).toBe('queued')
    const late = ask(second, ann, [create('b', 8)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('budget-exceeded')
    expect(await purse.counters('purse')).toBe('6000+3800/10000')
  })

  test('submit that is rolled back finds its money free', async () => {
    await first.begin()
    expect(outcomeOf(await ask(first, ann, [create('a', 8)]))).toBe('queued')
    const late = ask(second, ann, [create('b', 8)])
    await second.untilBlockedBy(first)
    await first.rollback()

    expect(outcomeOf(await late)).toBe('queued')
    expect(await purse.counters('purse')).toBe('6000+3800/10000')
  })

  test('settlement counts what moves from reserved to committed once', async () => {
    const id = await promisedId()
    await first.begin()
    await commitClaimed(first.pool, [id])
    const late = ask(second, ann, [create('b', 11)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('budget-exceeded')
    expect(await purse.counters('purse')).toBe('9000+0/10000')
  })

  test('settlement of a decrease gets the money that it frees', async () => {
    idOf(await ask(house, ann, [update(lives, 20)]))
    const claimed = await claim(pool)
    await first.begin()
    await commitClaimed(
      first.pool,
      claimed.map((request) => request.id),
    )
    const late = ask(second, ann, [create('b', 50)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('queued')
    expect(await purse.counters('purse')).toBe('5000+5000/10000')
  })

  test('cancellation gets the money that it frees, and not a unit more', async () => {
    const [row] = await purse.query("select id from request where state = 'queued'")
    expect(row).toBeDefined()
    const cancelled = idOf(await ask(house, ann, [create('c', 10)]))
    await first.begin()
    expect(await cancelRequest(first.context, ann, cancelled)).toMatchObject({ ok: true })
    const late = ask(second, ann, [create('b', 11)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('budget-exceeded')
    expect(await purse.counters('purse')).toBe('6000+3000/10000')
    expect(outcomeOf(await ask(second, ann, [create('b', 10)]))).toBe('queued')
  })

  test('cancellation that is rolled back gets nothing', async () => {
    const kept = idOf(await ask(house, ann, [create('c', 10)]))
    await first.begin()
    await cancelRequest(first.context, ann, kept)
    const late = ask(second, ann, [create('b', 5)])
    await second.untilBlockedBy(first)
    await first.rollback()

    expect(outcomeOf(await late)).toBe('budget-exceeded')
    expect(await purse.counters('purse')).toBe('6000+4000/10000')
  })

  test('failure gets the money that it frees', async () => {
    const id = await promisedId()
    await first.begin()
    expect(await failClaimed(first.pool, id)).toBe(true)
    const late = ask(second, ann, [create('b', 40)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('queued')
    expect(await purse.counters('purse')).toBe('6000+4000/10000')
  })
})

describe('an uncommitted submit is met by', () => {
  test('a settlement, which waits and moves its own money only', async () => {
    const id = await promisedId()
    await first.begin()
    expect(outcomeOf(await ask(first, ann, [create('a', 10)]))).toBe('queued')
    const late = commitClaimed(second.pool, [id])
    await second.untilBlockedBy(first)
    await first.commit()
    await late

    expect(await purse.counters('purse')).toBe('9000+1000/10000')
  })

  test('a cancellation, which waits and frees its own money only', async () => {
    const cancelled = idOf(await ask(house, ann, [create('c', 5)]))
    await first.begin()
    expect(outcomeOf(await ask(first, ann, [create('a', 5)]))).toBe('queued')
    const late = cancelRequest(second.context, ann, cancelled)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: true, value: { state: 'cancelled' } })
    expect(await purse.counters('purse')).toBe('6000+3500/10000')
  })

  test('a failure, which waits and frees its own money only', async () => {
    const id = await promisedId()
    await first.begin()
    expect(outcomeOf(await ask(first, ann, [create('a', 10)]))).toBe('queued')
    const late = failClaimed(second.pool, id)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toBe(true)
    expect(await purse.counters('purse')).toBe('6000+1000/10000')
  })
})

describe('settlement and cancellation of one request', () => {
  test('a claim that comes first is waited for, and then it is too late to cancel', async () => {
    const id = idOf(await ask(house, ann, [create('c', 10)]))
    await first.begin()
    const claimed = await claim(first.pool)
    const late = cancelRequest(second.context, ann, id)
    await second.untilBlockedBy(first)
    await commitClaimed(
      first.pool,
      claimed.map((request) => request.id),
    )
    await first.commit()

    expect(await late).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'committed' } })
    expect(await purse.counters('purse')).toBe('10000+0/10000')
  })

  test('a request that is being cancelled is claimed by nobody', async () => {
    const id = idOf(await ask(house, ann, [create('c', 10)]))
    await first.begin()
    await cancelRequest(first.context, ann, id)
    const claimed = await claim(second.pool)
    await first.commit()

    expect(claimed.map((request) => request.id)).not.toContain(id)
    expect((await claim(second.pool)).map((request) => request.id)).not.toContain(id)
    expect(await purse.counters('purse')).toBe('6000+3000/10000')
  })

  test('two settlements of one commit capture its money once', async () => {
    const id = await promisedId()
    await first.begin()
    await commitClaimed(first.pool, [id])
    // The second writer read the branch before the first one settled: its epoch is the old one.
    const late = commitClaimed(second.pool, [id]).catch((error: unknown) => String(error))
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toContain('another writer')
    expect(await purse.counters('purse')).toBe('9000+0/10000')
  })

  test('two cancellations free its money once', async () => {
    const id = idOf(await ask(house, ann, [create('c', 10)]))
    await first.begin()
    await cancelRequest(first.context, ann, id)
    const late = cancelRequest(second.context, ann, id)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'cancelled' } })
    expect(await purse.counters('purse')).toBe('6000+3000/10000')
  })
})
