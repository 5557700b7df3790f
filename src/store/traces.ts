import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import { run } from './database.ts'

/** In which trace requests were asked for, of those for which somebody recorded one. */
export async function readTraceparents(pool: pg.Pool, requests: readonly Id<'request'>[]): Promise<ReadonlyMap<Id<'request'>, string>> {
  const rows = await run<{ id: string; traceparent: string }>(
    pool,
    {
      name: 'read_traceparents',
      text: `select id, body->>'traceparent' as traceparent from request where id = any ($1::uuid[]) and body->>'traceparent' is not null order by id`,
    },
    [requests.map(idToUuid)],
  )
  return new Map(rows.map((row) => [idFromUuid('request', row.id), row.traceparent]))
}
