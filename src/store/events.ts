import type pg from 'pg'
import { idFromUuid, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Actor } from '../core/request-record.ts'
import { run } from './database.ts'
import { isMany, limitOf } from './list-pages.ts'

export type EventRecord = {
  readonly id: Id<'event'>
  readonly type: string
  readonly time: Date
  readonly actor: Actor
  readonly team: string | null
  readonly subject: string
  readonly data: JsonObject
  /** Where reading goes on after it. */
  readonly position: EventPosition
}

/**
 * (generation, transaction, sequence): the order in which events become readable, so that a reader who goes on from one
 * misses none. A restore into another database cluster begins a generation: transaction ids begin anew there.
 */
export type EventPosition = { readonly generation: number; readonly tx: bigint; readonly seq: bigint }

export type EventFilter = { readonly team?: string; readonly type?: string; readonly subject?: string }

/** What every request brings; the indexes by type leave it out, and a scan in order finds it anywhere. */
const frequent = ['dev.purser.request.submitted.v1', 'dev.purser.request.committed.v1', 'dev.purser.resource.changed.v1']
const isRare = `e.type not in (${frequent.map((type) => `'${type}'`).join(', ')})`

/** Of an event `e`, as `parseEvent` takes them. */
export const eventColumns = 'e.id, e.type, e.time, e.actor, e.team, e.subject, e.data, e.generation, e.tx::text, e.seq::text'

export type EventRow = {
  readonly id: string
  readonly type: string
  readonly time: Date
  readonly actor: Actor
  readonly team: string | null
  readonly subject: string
  readonly data: JsonObject
  readonly generation: number
  readonly tx: string
  readonly seq: string
}

/** The record of a row, whatever else was selected with it. */
export function parseEvent({ id, type, time, actor, team, subject, data, generation, tx, seq }: EventRow): EventRecord {
  return { id: idFromUuid('event', id), type, time, actor, team, subject, data, position: { generation, tx: BigInt(tx), seq: BigInt(seq) } }
}

/**
 * A page of the log of these teams (null: of all, and of the platform itself), oldest first. Events of a transaction that
 * is younger than one still running are not shown yet: it may bring events that belong before them.
 */
export async function listEvents(
  pool: pg.Pool,
  teams: readonly string[] | null,
  filter: EventFilter,
  page: { readonly first: number; readonly after: EventPosition | null },
): Promise<readonly EventRecord[]> {
  const seen = teams === null ? null : filter.team === undefined ? teams : teams.filter((team) => team === filter.team)
  if (seen?.length === 0) return []
  const limit = limitOf(page.first)
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const where: string[] = ['(e.tx < pg_snapshot_xmin(pg_current_snapshot()) or e.generation < (select current_generation()))']
  const names: string[] = []
  const add = (name: string, ...conditions: readonly string[]) => {
    names.push(name)
    where.push(...conditions)
  }
  if (filter.team !== undefined) add('team', `e.team = ${bind(filter.team)}`)
  if (filter.type !== undefined && frequent.includes(filter.type)) add('frequent', `e.type = ${bind(filter.type)}`)
  else if (filter.type !== undefined) add('type', `e.type = ${bind(filter.type)}`, isRare)
  if (filter.subject !== undefined) add('subject', `e.subject = ${bind(filter.subject)}`)
  if (page.after !== null)
    add(
      'after',
      `(e.generation, e.tx, e.seq) > (${bind(page.after.generation)}::integer, ${bind(page.after.tx)}::text::xid8, ${bind(page.after.seq)}::bigint)`,
    )
  const select = (...more: readonly string[]) =>
    `select ${eventColumns} from event e where ${[...more, ...where].join(' and ')} order by e.generation, e.tx, e.seq limit ${limit}`
  let [kind, text] = ['all', '']
  if (seen === null || filter.team !== undefined) text = select()
  else if (isMany(seen) || filter.subject !== undefined) [kind, text] = ['many', select(`(e.team = any (${bind(seen)}::text[])) is true`)]
  else
    [kind, text] = [
      'each',
      `select ${eventColumns} from unnest(${bind(seen)}::text[]) mine(name) cross join lateral (
          select e.* from event e where ${['e.team = mine.name', ...where].join(' and ')} order by e.generation, e.tx, e.seq limit ${limit}) e
        order by e.generation, e.tx, e.seq limit ${limit}`,
    ]
  const rows = await run<EventRow>(pool, { name: `list_events ${kind} ${limit} ${names.join(' ')}`, text }, values)
  return rows.slice(0, page.first).map(parseEvent)
}

/** A forbidden write, for the log. */
export async function recordRefusedAccess(
  pool: pg.Pool,
  refusal: { readonly actor: Actor; readonly team: string | null; readonly subject: string; readonly data: JsonObject },
): Promise<void> {
  await run(pool, { name: 'refuse_access', text: 'select refuse_access($1::jsonb, $2, $3, $4::jsonb)' }, [
    JSON.stringify(refusal.actor),
    refusal.team,
    refusal.subject,
    JSON.stringify(refusal.data),
  ])
}
