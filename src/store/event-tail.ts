import type pg from 'pg'
import { run } from './database.ts'
import type { EventPosition } from './events.ts'

/** What became readable since a position: only whom and what it was about. */
export type TailRead = {
  /** Everything before it was readable: where the next read begins. */
  readonly position: EventPosition
  readonly moved: readonly { readonly team: string | null; readonly subject: string }[]
  /** More became readable than fits into one read. */
  readonly full: boolean
}

const MOST = 1_000

/** The end of what is readable now: whatever becomes readable from here on is after it. */
export async function readEventHead(pool: pg.Pool): Promise<EventPosition> {
  type Row = { generation: number; tx: string }
  const [row] = await run<Row>(
    pool,
    { name: 'read_event_head', text: 'select current_generation() as generation, pg_snapshot_xmin(pg_current_snapshot())::text as tx' },
    [],
  )
  if (row === undefined) throw new Error('the statement answers one row')
  return { generation: row.generation, tx: BigInt(row.tx), seq: 0n }
}

/** The next part of the log after a position. One statement, so that where it ends and what it has are of one moment. */
export async function readEventTail(pool: pg.Pool, after: EventPosition): Promise<TailRead> {
  type Row = {
    head_generation: number
    head_tx: string
    generation: number | null
    tx: string | null
    seq: string | null
    team: string | null
    subject: string | null
  }
  const rows = await run<Row>(
    pool,
    {
      name: 'read_event_tail',
      text: `select h.generation as head_generation, h.tx::text as head_tx,
          e.generation, e.tx::text, e.seq::text, e.team, e.subject
        from (select current_generation() as generation, pg_snapshot_xmin(pg_current_snapshot()) as tx) h
        left join lateral (
          select e.generation, e.tx, e.seq, e.team, e.subject from event e
          where (e.generation, e.tx, e.seq) > ($1::integer, $2::text::xid8, $3::bigint) and (e.generation, e.tx, e.seq) < (h.generation, h.tx, 0)
          order by e.generation, e.tx, e.seq limit ${MOST}) e on true
        order by e.generation, e.tx, e.seq`,
    },
    [after.generation, after.tx, after.seq],
  )
  const [first] = rows
  if (first === undefined) throw new Error('the statement answers one row at least')
  const moved = rows.flatMap(({ team, subject }) => (subject === null ? [] : [{ team, subject }]))
  const full = moved.length === MOST
  const last = full ? rows.at(-1) : undefined
  const position =
    last === undefined
      ? { generation: first.head_generation, tx: BigInt(first.head_tx), seq: 0n }
      : { generation: Number(last.generation), tx: BigInt(last.tx ?? 0), seq: BigInt(last.seq ?? 0) }
  return { position, moved, full }
}
