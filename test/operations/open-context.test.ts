import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { listEvents } from '../../src/operations/read-events.ts'
import { openContext } from '../../src/operations/open-context.ts'
import { openNotices } from '../../src/store/notices.ts'
import { boxes, openHouse } from '../support/house.ts'

const house = await openHouse()
await house.apply(boxes)
let lost = false
const notices = await openNotices(house.urls.appUrl, () => (lost = true))
const owner = new pg.Client({ connectionString: house.urls.ownerUrl })
await owner.connect()
afterAll(() => Promise.all([notices.close(), owner.end()]))

test('what changed while nobody listened is in force as soon as somebody listens again', async () => {
  const { database, hints, currency, allowFileRepositories } = house.context
  const context = openContext({
    database,
    notices,
    hints,
    currency,
    allowFileRepositories,
    pendingMigrations: async () => [],
    now: () => new Date(),
  })
  const before = await context.platform()

  await house.context.database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'purser notices' and datname = current_database()",
  )
  await until(() => lost)
  // Nobody hears of this one, however quickly the listener is back.
  await owner.query('update platform set revision = revision + 1')
  await until(() => notices.connected)

  expect((await context.platform()).revision).toBe(before.revision + 1n)
})

test('a cursor with numbers that no event can have is refused, or finds nothing', async () => {
  for (const position of ['99999999999999999999.1', '9999999999999999999.999999999999999999', '1.9999999999999999999', '-1.1']) {
    const answer = await listEvents(
      house.context,
      house.administrator,
      {},
      { first: 1, after: Buffer.from(position).toString('base64url') },
    )

    expect(answer.ok ? answer.value.items : answer.problem.code).toEqual(answer.ok ? [] : 'invalid')
  }
})

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > end) throw new Error('did not happen within 10 s')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
