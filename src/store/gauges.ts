import type pg from 'pg'
import { only, run } from './database.ts'
import type { BranchState } from './deliveries.ts'
import type { EventPosition } from './events.ts'

/** What an operator watches. Counted up to a bound: an alert needs to know that there are very many, not how many. */
export type Gauges = {
  readonly requests: readonly {
    readonly state: 'pending_approval' | 'queued'
    readonly count: number
    /** Since the oldest one was asked for, s; 0: there is none. */
    readonly oldestAge: number
  }[]
  /** Of the oldest open request that holds money, s; 0: none does. */
  readonly reservationAge: number
  /** At most 100. */
  readonly branches: readonly {
    readonly repository: string
    readonly branch: string
    readonly state: BranchState
    readonly stateAge: number
    readonly waiting: number
    /** Since the first in the queue may be delivered, s; 0: nothing waits. */
    readonly oldestAge: number
  }[]
  /** To hooks of teams. */
  readonly notices: {
    readonly pending: number
    /** Since the event of the oldest that waits, s; 0: none does. */
    readonly oldestAge: number
  }
  readonly budgets: {
    readonly count: number
    /** Committed and reserved, over the limit, of the fullest. */
    readonly maxUse: number
    /** How many use at least this much of their limits. */
    readonly atLeast: readonly { readonly use: number; readonly count: number }[]
  }
}

/** Each part goes by an index or over a small table, and stops at a bound, however many requests there ever were. */
const gauges = {
  name: 'read_gauges',
  text: `
    with states(state) as (values ('pending_approval'), ('queued'))
    select json_build_object(
      'requests', (select json_agg(json_build_object('state', s.state,
          'count', (select count(*) from (select from request r where r.state = s.state limit 100000) c),
          'oldestAge', coalesce((select extract(epoch from now() - r.created_at)::float8 from request r where r.state = s.state order by r.id limit 1), 0)))
        from states s),
      'reservationAge', coalesce((select max(extract(epoch from now() - o.created_at)::float8) from states s, lateral (
          select r.created_at from request r
            where r.state = s.state and exists (select from budget_entry e where e.request_id = r.id and e.kind = 'reserve' and e.delta > 0) order by r.id limit 1) o), 0),
      'branches', (select coalesce(json_agg(json_build_object('repository', b.repository, 'branch', b.branch, 'state', b.state,
          'stateAge', extract(epoch from now() - b.since)::float8,
          'waiting', (select count(*) from (select from delivery d where d.branch_id = b.id and d.finished_at is null limit 100000) c),
          'oldestAge', coalesce((select extract(epoch from now() - r.updated_at)::float8 from delivery d join request r on r.id = d.request_id
            where d.branch_id = b.id and d.finished_at is null order by d.number limit 1), 0))), '[]')
        from (select * from branch order by repository, branch limit 100) b),
      'notices', (select json_build_object('pending', count(*), 'oldestAge', coalesce(extract(epoch from now() - min(n.created_at))::float8, 0))
        from (select created_at from notice where state = 'pending' order by number limit 100000) n),
      'budgets', (select json_build_object('count', count(*), 'maxUse', coalesce(max(u.use), 0), 'atLeast', json_build_array(
          json_build_object('use', 0.5, 'count', count(*) filter (where u.use >= 0.5)),
          json_build_object('use', 0.8, 'count', count(*) filter (where u.use >= 0.8)),
          json_build_object('use', 0.95, 'count', count(*) filter (where u.use >= 0.95)),
          json_build_object('use', 1, 'count', count(*) filter (where u.use >= 1))))
        from (select case when b.limit_amount > 0 then (b.committed + b.reserved)::float8 / b.limit_amount
            when b.committed + b.reserved > 0 then 1 else 0 end as use
          from budget b where b.retired_at is null limit 100000) u)) as gauges`,
}

export async function readGauges(pool: pg.Pool): Promise<Gauges> {
  return only(await run<{ gauges: Gauges }>(pool, gauges, [])).gauges
}

export type EventCounts = { readonly counts: ReadonlyMap<string, number>; readonly position: EventPosition }

type CountRow = { readonly type: string; readonly count: string; readonly generation: number; readonly tx: string; readonly seq: string }

/** How many events of each type became readable after a position, at most 20,000 at once; and where to go on. */
export async function countEvents(pool: pg.Pool, after: EventPosition): Promise<EventCounts> {
  const rows = await run<CountRow>(
    pool,
    {
      name: 'count_events',
      text: `with fresh as (
          select type, generation, tx, seq from event e
            where (e.tx < pg_snapshot_xmin(pg_current_snapshot()) or e.generation < current_generation())
              and (e.generation, e.tx, e.seq) > ($1::integer, $2::text::xid8, $3::bigint)
            order by e.generation, e.tx, e.seq limit 20000),
        last as (select generation, tx, seq from fresh order by generation desc, tx desc, seq desc limit 1)
        select f.type, count(*) as count, l.generation, l.tx::text, l.seq::text from fresh f, last l group by f.type, l.generation, l.tx, l.seq`,
    },
    [after.generation, after.tx, after.seq],
  )
  const [row] = rows
  return {
    counts: new Map(rows.map(({ type, count }) => [type, Number(count)])),
    position: row === undefined ? after : { generation: row.generation, tx: BigInt(row.tx), seq: BigInt(row.seq) },
  }
}

/** Behind every event that is readable now. */
export async function lastEventPosition(pool: pg.Pool): Promise<EventPosition> {
  const rows = await run<Pick<CountRow, 'generation' | 'tx' | 'seq'>>(
    pool,
    {
      name: 'last_event',
      text: `select generation, tx::text, seq::text from event e
        where e.tx < pg_snapshot_xmin(pg_current_snapshot()) or e.generation < current_generation()
        order by generation desc, tx desc, seq desc limit 1`,
    },
    [],
  )
  const [row] = rows
  return row === undefined ? { generation: 0, tx: 0n, seq: 0n } : { generation: row.generation, tx: BigInt(row.tx), seq: BigInt(row.seq) }
}
