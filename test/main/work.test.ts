import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, test, vi } from 'vitest'
import { migrate } from '../../src/store/migrate.ts'
import { withEmptyDatabase } from '../support/database.ts'
import { runPurser, type Run } from '../support/server.ts'

/** `purser work` as a process: what it does until its database is what it needs, and what it answers meanwhile. */

vi.setConfig({ testTimeout: 60_000 })
const urls = await withEmptyDatabase()
const home = mkdtempSync(join(tmpdir(), 'purser-work-'))
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))

function work(name: string, env: Readonly<Record<string, string>>): Run {
  return runPurser({ data: join(home, name), args: ['work'], env: { DATABASE_URL: urls.appUrl, ...env } })
}

async function get(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(url)
  return { status: answer.status, text: await answer.text() }
}

test('waits for a database that nobody has migrated, says so to people and probes, and works as soon as it is', async () => {
  const worker = work('waits', { PURSER_WORK_PORT: '0' })
  const [, url = ''] = await worker.printed(/^purser answers probes on (\S+)$/m)
  await worker.printed(/^purser waits: the database lacks migration \d\S+ and \d+ more; `purser migrate` applies them/m)

  expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 })
  const waiting = await get(`${url}/readyz`)
  expect(waiting).toMatchObject({ status: 503, text: expect.stringContaining('run purser migrate') })

  await migrate({ ...urls, directory: join(import.meta.dirname, '../../prisma/migrations') })
  await worker.printed(/^purser is working$/m)
  expect(await get(`${url}/readyz`)).toMatchObject({ status: 200, text: expect.stringContaining('"ready":true') })
  const { text } = await get(`${url}/metrics`)
  expect(text).toContain('purser_delivery_turn_duration_seconds_count{end="done"} 0')
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds')
  // By these an API that is gone is missed.
  expect(text).not.toContain('purser_database_up')
  expect(await get(`${url}/v1/requests`)).toMatchObject({ status: 404, text: expect.stringContaining('"code":"not-found"') })

  expect(await worker.stop('SIGTERM')).toEqual({ code: 0, signal: null })
})

test('waits for a database that cannot be reached, and ends at once when it is told to', async () => {
  const worker = work('unreachable', { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' })
  await worker.printed(/^purser waits: the database cannot be reached$/m)

  expect(await worker.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(worker.stderr()).not.toContain('"level":"fatal"')
})

test('does not work on a database that is newer than itself: it ends, and says what to do', async () => {
  const owner = new pg.Client({ connectionString: urls.ownerUrl })
  await owner.connect()
  await owner.query(
    `insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ('later', 'none', '99990101000000_later', now())`,
  )
  await owner.end()

  const worker = work('older', {})

  expect(await worker.ended).toEqual({ code: 1, signal: null })
  expect(worker.stderr()).toMatch(/^purser: The database is newer than this Purser: .*Start the newer version\.$/m)
  expect(worker.stdout()).not.toContain('working')
})
