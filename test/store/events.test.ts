import pg from 'pg'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database.ts'
import { listEvents, recordRefusedAccess } from '../../src/store/events.ts'
import { withDatabase } from '../support/database.ts'

const urls = await withDatabase()

test('events of a cluster that is gone stay readable, before those of the new one', async () => {
  const database = openDatabase({ url: urls.appUrl, poolSize: 2, onIdleError: () => undefined })
  const owner = new pg.Client({ connectionString: urls.ownerUrl })
  await owner.connect()
  const record = (subject: string) =>
    recordRefusedAccess(database.pool, { actor: { subject: 'x', kind: 'person', via: null }, team: 'red', subject, data: {} })
  const subjects = async (after: Parameters<typeof listEvents>[3]['after'] = null) =>
    listEvents(database.pool, ['red'], {}, { first: 10, after })

  try {
    await owner.query('select adopt_cluster()')
    // As a dump from a busier cluster brings it: a transaction id that this cluster reaches in years.
    await owner.query(
      `insert into event (id, type, actor, team, subject, tx) values (new_uuid(), 'x', '{}', 'red', 'old', '9000000000000')`,
    )
    await record('new')
    const before = (await subjects()).map((e) => e.subject)
    await owner.query('update platform set cluster = cluster - 1')
    await owner.query('select adopt_cluster()')
    await record('newest')
    const after = await subjects()
    await owner.query('select adopt_cluster()')

    expect(before).toEqual(['new'])
    expect(after.map((e) => e.subject)).toEqual(['new', 'old', 'newest'])
    expect((await subjects(after[1]?.position)).map((e) => e.subject)).toEqual(['newest'])
    expect((await owner.query<{ generation: number }>('select generation from platform')).rows[0]?.generation).toBe(
      after.at(-1)?.position.generation,
    )
  } finally {
    await owner.end()
    await database.close()
  }
})
