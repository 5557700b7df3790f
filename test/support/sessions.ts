import pg from 'pg'
import { afterAll } from 'vitest'
import type { Context } from '../../src/operations/context.ts'
import { openAdmission } from '../../src/store/admission.ts'
import type { House } from './house.ts'

/**
 * One connection to the database with explicit transactions, in which operations run: so that two of them can be stopped
 * at the very place where they could go wrong.
 */
export type Session = {
  /** The connection, where the store expects a pool. */
  readonly pool: pg.Pool
  /** Operations whose statements run on this connection. */
  readonly context: Context
  begin(): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Resolves once this session waits for a lock that the other one holds. */
  untilBlockedBy(other: { readonly pid: number }): Promise<void>
  readonly pid: number
}

const LIMIT_MS = 10_000

/** Sessions of the application's role, and one of the owner that watches them. Call it at the top of the file. */
export async function openSessions(house: House, count: number): Promise<Session[]> {
  const watcher = await connect(house.urls.ownerUrl)
  const clients = await Promise.all(Array.from({ length: count }, () => connect(house.urls.appUrl)))
  afterAll(() => Promise.all([watcher, ...clients].map((client) => client.end())))
  return Promise.all(
    clients.map(async (client): Promise<Session> => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      const pid = rows[0]?.pid ?? 0
      // Of a pool, the store uses `query` alone, which a client has too.
      const pool = client as unknown as pg.Pool
      const run = async (statement: string) => void (await client.query(statement))
      return {
        pool,
        pid,
        context: { ...house.context, database: { ...house.context.database, pool }, admission: openAdmission(pool) },
        begin: () => run('begin'),
        commit: () => run('commit'),
        rollback: () => run('rollback'),
        async untilBlockedBy(other) {
          const until = performance.now() + LIMIT_MS
          while (performance.now() < until) {
            const blocked = await watcher.query<{ by: number[] }>('select pg_blocking_pids($1) as by', [pid])
            if (blocked.rows[0]?.by.includes(other.pid) === true) return
          }
          throw new Error(`session ${pid} does not wait for session ${other.pid}`)
        },
      }
    }),
  )
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}
