import type pg from 'pg'
import { idToUuid, parseId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { NoticeKind } from '../core/notice.ts'
import type { NoticeCourse } from '../core/notice-course.ts'
import type { RequestRecord } from '../core/request-record.ts'
import { only, run } from './database.ts'
import { readRequestsByUuid } from './requests.ts'

/** Notices to the hooks of teams. They are noted down from the log, and leave a team at a time, in their order. */

/** Notes down whom the next events of the log concern, at most so many of them. True: there are more. */
export async function noteEvents(pool: pg.Pool, atMost: number): Promise<boolean> {
  return only(await run<{ more: boolean }>(pool, { name: 'note_events', text: 'select note_events($1) as more' }, [atMost])).more
}

/** Teams with notices that may leave now, at most so many. */
export async function listDueTeams(pool: pg.Pool, atMost: number): Promise<readonly string[]> {
  const rows = await run<{ team: string }>(
    pool,
    {
      name: 'due_teams',
      // From one team with something pending to the next: mostly there is none, however many have a hook, or had a busy day.
      text: `with recursive waiting(team) as (
          (select n.team from notice n where n.state = 'pending' order by n.team limit 1)
          union all
          select (select n.team from notice n where n.state = 'pending' and n.team > w.team order by n.team limit 1)
            from waiting w where w.team is not null)
        select h.team from waiting w join notice_hook h on h.team = w.team where h.next_at <= now() order by h.next_at limit $1`,
    },
    [atMost],
  )
  return rows.map((row) => row.team)
}

export type Turn = {
  /** Who took the turn after it was lost has another. */
  readonly turn: string
  /** Failures of the hook in a row, before this turn. */
  readonly failures: number
  /** Where the hook's URL is; null: the team names none any more. */
  readonly hook: { readonly env: string } | { readonly file: string } | null
  /** The oldest first. */
  readonly notices: readonly PendingNotice[]
}

export type PendingNotice = {
  readonly number: string
  readonly kind: NoticeKind
  /** The request's id, or the budget's name. */
  readonly subject: string
  readonly data: JsonObject
  readonly attempts: number
  readonly ageS: number
}

/** A team's turn, for so many seconds; null: nothing waits, it is not time, or somebody else has it. */
export async function takeNotices(pool: pg.Pool, team: string, atMost: number, leaseS: number): Promise<Turn | null> {
  type Row = Omit<Turn, 'notices'> & Omit<PendingNotice, 'ageS'> & { age: number }
  const rows = await run<Row>(pool, { name: 'take_notices', text: 'select * from take_notices($1, $2, $3)' }, [team, atMost, leaseS])
  const [first] = rows
  if (first === undefined) return null
  const notices = rows.map(({ number, kind, subject, data, attempts, age }) => ({ number, kind, subject, data, attempts, ageS: age }))
  return { turn: first.turn, failures: first.failures, hook: first.hook, notices }
}

/** What became of a notice: `dropped` is one that is no news any more. */
export type NoticeEnd = { readonly number: string; readonly state: NoticeCourse | 'dropped'; readonly error: string | null }

/** Ends a turn. False: it was lost, and nothing of this was kept. */
export async function endNotices(
  pool: pg.Pool,
  team: string,
  turn: string,
  ends: readonly NoticeEnd[],
  hook: { readonly failures: number; readonly againInS: number },
): Promise<boolean> {
  const rows = await run<{ kept: boolean }>(
    pool,
    { name: 'end_notices', text: 'select end_notices($1, $2::bigint, $3::jsonb, $4, $5) as kept' },
    [team, turn, JSON.stringify(ends), hook.failures, hook.againInS],
  )
  return only(rows).kept
}

/** The requests that notices are about, by id. */
export async function readNoticedRequests(pool: pg.Pool, ids: readonly string[]): Promise<ReadonlyMap<string, RequestRecord>> {
  const uuids = ids.flatMap((text) => {
    const id = parseId('request', text)
    return id === null ? [] : [idToUuid(id)]
  })
  if (uuids.length === 0) return new Map()
  const found = await readRequestsByUuid(pool, uuids)
  return new Map([...found.values()].map(({ record }) => [record.id, record]))
}

/** Takes away what ended longer ago than so many seconds. */
export async function forgetNotices(pool: pg.Pool, olderS: number, atMost: number): Promise<void> {
  await run(pool, { name: 'forget_notices', text: 'select forget_notices($1, $2)' }, [olderS, atMost])
}

/** Notices that wait, and those that were given up in the last day, by team; at most 100 teams. */
export type NoticeHealth = {
  readonly team: string
  readonly pending: number
  /** Since the event of the oldest that waits, s; 0: none does. */
  readonly oldestAgeS: number
  readonly givenUp: number
  readonly lastError: string | null
}

export async function readNoticeHealth(pool: pg.Pool): Promise<readonly NoticeHealth[]> {
  return run<NoticeHealth>(
    pool,
    {
      name: 'notice_health',
      text: `select n.team, (count(*) filter (where n.state = 'pending'))::int as pending,
          coalesce(extract(epoch from now() - min(n.created_at) filter (where n.state = 'pending')), 0)::float8 as "oldestAgeS",
          (count(*) filter (where n.state = 'given-up'))::int as "givenUp",
          (array_agg(n.last_error order by n.number desc) filter (where n.last_error is not null))[1] as "lastError"
        from (select * from notice p where p.state = 'pending'
          union all select * from notice g where g.state <> 'pending' and g.ended_at > now() - interval '1 day' and g.state = 'given-up') n
        group by n.team order by n.team limit 100`,
    },
    [],
  )
}
