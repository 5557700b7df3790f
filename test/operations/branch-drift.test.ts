import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { createBranchHistory } from '../../src/adapters/git/history.ts'
import { readDrift } from '../../src/operations/branch-drift.ts'
import { listBranches, type BranchRecord } from '../../src/store/deliveries.ts'
import { createDatabase } from '../support/database.ts'
import { boxes, create, openHouse } from '../support/house.ts'
import { openYard } from '../support/yard.ts'

const house = await openHouse()
await house.apply(boxes)
const yard = await openYard(house)
const { pool } = house.context.database
const history = createBranchHistory({
  directory: join(yard.stage.directory, 'history'),
  searchPath: process.env['PATH'] ?? '',
  locate: (name) => name,
})
afterAll(async () => {
  await history.close()
  await yard.stage.close()
})

/** What the database has of the branch, or had when its last commit was another one. */
async function drift(known: Partial<BranchRecord> = {}, database = pool) {
  const record = (await listBranches(pool)).find((branch) => branch.repository === yard.repository)
  if (record === undefined) throw new Error('there is no branch')
  const ref = { key: record.id, repository: record.repository, branch: record.branch, access: {} }
  return readDrift(history, database, ref, { ...record, ...known })
}

test('a branch and its database part in two ways, and each is told with what it is about', async () => {
  expect(await drift()).toEqual({ kind: 'none' })

  const first = await yard.ask(create('a', 1))
  await yard.deliver()
  const [{ sha } = { sha: '' }] = yard.log()
  const second = await yard.ask(create('b', 1))
  await yard.deliver()
  expect(await drift()).toEqual({ kind: 'none' })

  // Found by the next delivery: its attempts are stored.
  expect(await drift({ head: sha })).toEqual({ kind: 'ahead', commits: 1, unknown: [] })

  // Restored from before either was asked for.
  const { appUrl, drop } = await createDatabase()
  const restored = new pg.Pool({ connectionString: appUrl, max: 1 })
  try {
    expect(await drift({ head: sha }, restored)).toEqual({ kind: 'ahead', commits: 1, unknown: [second] })
    expect(await drift({ head: null }, restored)).toEqual({ kind: 'ahead', commits: 2, unknown: [second, first] })
  } finally {
    await restored.end()
    await drop()
  }

  expect(await drift({ head: 'f'.repeat(40) })).toEqual({ kind: 'behind', unknown: [] })
})

test('what others commit is nothing that the database has to know', async () => {
  yard.stage.foreignCommit({ 'README.md': 'ours' })

  expect(await drift()).toEqual({ kind: 'ahead', commits: 1, unknown: [] })
})
