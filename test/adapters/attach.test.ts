import { readdirSync, statSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { findEmbeddedPostgres } from '../../src/adapters/embedded-postgres/attach.ts'
import { startEmbeddedPostgres, SUPERUSER } from '../../src/adapters/embedded-postgres/start.ts'

const dataDir = await mkdtemp(join(tmpdir(), 'purser-attach-'))
await chmod(dataDir, 0o700)
afterAll(() => rm(dataDir, { recursive: true, force: true }))

/** Everything that is in the folder and not the server's own to write. */
function inventory(): readonly string[] {
  return ['', 'run'].flatMap((folder) =>
    readdirSync(join(dataDir, folder)).map((name) => `${folder}/${name} ${statSync(join(dataDir, folder, name)).mode.toString(8)}`),
  )
}

test('where nothing was started there is nothing to attach to, and looking makes nothing', async () => {
  expect(await findEmbeddedPostgres(join(dataDir, 'absent'))).toEqual({ kind: 'none' })
  expect(await findEmbeddedPostgres(dataDir)).toEqual({ kind: 'none' })

  expect(readdirSync(dataDir)).toEqual([])
})

test('a database that somebody runs is asked beside them, and is theirs as before', async () => {
  const server = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' } })
  try {
    const before = inventory()

    const found = await findEmbeddedPostgres(dataDir)

    if (found.kind !== 'running') throw new Error(`the running database was found ${found.kind}`)
    const client = new pg.Client({ connectionString: found.url(SUPERUSER, 'postgres') })
    await client.connect()
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await client.end()
    expect(inventory()).toEqual(before)
    await expect(startEmbeddedPostgres({ dataDir, waitMs: 0 })).rejects.toThrow(/Another Purser runs/)
  } finally {
    await server.stop()
  }

  expect(await findEmbeddedPostgres(dataDir)).toEqual({ kind: 'stopped' })
})
