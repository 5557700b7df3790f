import pg from 'pg'
import { expect, test } from 'vitest'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { openGauges } from '../../src/operations/read-gauges.ts'
import { openDatabase } from '../../src/store/database.ts'
import { setBranchState } from '../../src/store/deliveries.ts'
import { commitAll, theBranch } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, remove } from '../support/house.ts'

const house = await openHouse()
await house.apply([boxes, budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '100.00' }")].join('\n---\n'))
const ann = await house.person('ann@example.com')
const { pool } = house.context.database
const reader = openGauges(house.context, 0)

async function gauges() {
  const read = await reader.read()
  if (read === null) throw new Error('the database did not answer')
  const queued = read.requests.find((row) => row.state === 'queued')
  return { ...read, queued: queued?.count, queuedAge: queued?.oldestAge ?? 0 }
}

/** As if everything had been asked for a while ago; what was asked never changes, so its guard has to look away. */
async function age(seconds: number): Promise<void> {
  const owner = new pg.Client({ connectionString: house.urls.ownerUrl })
  await owner.connect()
  try {
    await owner.query(`begin; alter table request disable trigger request_in_order;
      update request set created_at = created_at - interval '${seconds} s', updated_at = updated_at - interval '${seconds} s';
      alter table request enable trigger request_in_order; commit`)
  } finally {
    await owner.end()
  }
}

test('an installation at rest has nothing open, nothing waiting and nothing held', async () => {
  expect(await gauges()).toMatchObject({
    requests: [
      { state: 'pending_approval', count: 0, oldestAge: 0 },
      { state: 'queued', count: 0, oldestAge: 0 },
    ],
    reservationAge: 0,
    notices: { pending: 0, oldestAge: 0 },
    branches: [{ branch: 'main', state: 'ok', waiting: 0, oldestAge: 0 }],
    budgets: { count: 1, maxUse: 0 },
  })
})

test('what is asked for waits, holds money and ages, until its commit or its end', async () => {
  idOf(await ask(house, ann, [create('a', 49)]))
  const second = idOf(await ask(house, ann, [create('b', 31)]))
  await age(600)

  const waiting = await gauges()
  expect(waiting).toMatchObject({ queued: 2, branches: [{ waiting: 2 }] })
  expect(waiting.branches[0]?.oldestAge).toBeGreaterThanOrEqual(600)
  expect(waiting.queuedAge).toBeGreaterThanOrEqual(600)
  expect(waiting.reservationAge).toBeGreaterThanOrEqual(600)
  expect(waiting.budgets).toMatchObject({ count: 1, maxUse: 0.8 })
  expect(waiting.budgets.atLeast).toEqual([
    { use: 0.5, count: 1 },
    { use: 0.8, count: 1 },
    { use: 0.95, count: 0 },
    { use: 1, count: 0 },
  ])

  await cancelRequest(house.context, ann, second)
  await commitAll(pool)
  expect(await gauges()).toMatchObject({ queued: 0, reservationAge: 0, branches: [{ waiting: 0 }], budgets: { maxUse: 0.49 } })
})

test('a request that frees money waits without a reservation', async () => {
  idOf(await ask(house, ann, [remove('a')]))
  await age(600)

  const waiting = await gauges()
  expect(waiting).toMatchObject({ queued: 1, reservationAge: 0 })
  await commitAll(pool)
})

test('a branch is shown in its state', async () => {
  const branch = await theBranch(pool)
  await setBranchState(pool, branch, 'refuses', 'a hook')

  expect((await gauges()).branches).toEqual([
    { repository: branch.repository, branch: 'main', state: 'refuses', stateAge: expect.any(Number), waiting: 0, oldestAge: 0 },
  ])
})

test('every event is counted once, whoever asks how often; those from before the start are not', async () => {
  const another = openGauges(house.context, 0)
  await another.read()
  expect(another.takeEvents()).toEqual(new Map())

  idOf(await ask(house, ann, [create('c', 1)]))
  idOf(await ask(house, ann, [create('d', 1)]))
  await Promise.all([another.read(), another.read()])
  await another.read()

  expect(another.takeEvents().get('dev.purser.request.submitted.v1')).toBe(2)
  await another.read()
  expect(another.takeEvents()).toEqual(new Map())
})

test('many who ask at once, and again at once, cost the database one read', async () => {
  let reads = 0
  const counted = { query: async (...args: Parameters<typeof pool.query>) => ((reads += 1), pool.query(...args)) }
  const fresh = openGauges({ database: { ...house.context.database, pool: counted as unknown as typeof pool } }, 60_000)
  const answers = await Promise.all(Array.from({ length: 20 }, () => fresh.read()))
  answers.push(await fresh.read())

  expect(answers.every((answer) => answer !== null)).toBe(true)
  expect(reads).toBe(2) // The gauges, and where events begin.
})

test('a database that is away, or does not answer, is no answer, and nobody waits for it', async () => {
  const gone = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', poolSize: 1, onIdleError: () => undefined })
  const silent = { query: () => new Promise(() => undefined) } as unknown as typeof pool

  expect(await openGauges({ database: gone }).read()).toBeNull()
  expect(await openGauges({ database: { ...gone, pool: silent } }, 0, 1).read()).toBeNull()
  await gone.close()
})
