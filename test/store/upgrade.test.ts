import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { openAdmission } from '../../src/store/admission.ts'
import { migrate } from '../../src/store/migrate.ts'
import { withEmptyDatabase } from '../support/database.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, openHouseOn, outcomeOf, update, type Change, type Process } from '../support/house.ts'
import { openPurseOn } from '../support/purse.ts'

const real = join(import.meta.dirname, '../../prisma/migrations')
const lastOfBefore = '20261124100600_roles'

test('what was asked before an upgrade is kept to the cent, and the version before goes on beside it', async () => {
  const before = await mkdtemp(join(tmpdir(), 'purser-migrations-'))
  onTestFinished(() => rm(before, { recursive: true }))
  for (const name of await readdir(real)) if (name <= lastOfBefore) await cp(join(real, name), join(before, name), { recursive: true })
  const urls = await withEmptyDatabase()
  await migrate({ ...urls, directory: before })
  const house = await openHouseOn(urls)
  const purse = openPurseOn(urls.ownerUrl)
  onTestFinished(() => Promise.all([house.close(), purse.close()]).then(() => undefined))
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
