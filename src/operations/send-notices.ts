import type pg from 'pg'
import { budgetNotice, requestNotice } from '../core/notice.ts'
import { courseOf, pauseAfter, type NoticeCourse } from '../core/notice-course.ts'
import type { RequestRecord } from '../core/request-record.ts'
import {
  endNotices,
  forgetNotices,
  listDueTeams,
  noteEvents,
  readNoticedRequests,
  takeNotices,
  type NoticeEnd,
  type PendingNotice,
} from '../store/team-notices.ts'
import type { HookAnswer, Hooks } from './ports.ts'

/** What sending works with. */
export type Notifying = {
  readonly pool: pg.Pool
  readonly hooks: Hooks
  readonly currency: string
  /** 0 … 1, to spread what would come back all at once. */
  readonly chance: () => number
  readonly warn: (message: string, facts: Readonly<Record<string, unknown>>) => void
  /** What became of notices, for whoever counts. */
  readonly count: (outcome: NoticeCourse | 'dropped', notices: number) => void
}

/** Those that go into one post: a chat that was away, or a busy morning, is not flooded message by message. */
const POST = { notices: 10, characters: 12_000 }
/** Longer than a post may take. Who dies in between leaves the turn to another after it, and at most this post comes twice. */
const LEASE_S = 30

/**
 * A team's turn: its oldest notices in one post, or as many as fit. Whether they were sent is kept after the hook has taken
 * them: at least once, and in the order of the log. `more`: the next may leave at once.
 */
export async function sendNotices(notifying: Notifying, team: string, stop: AbortSignal): Promise<'done' | 'more'> {
  const { pool, hooks, chance } = notifying
  const turn = await takeNotices(pool, team, POST.notices, LEASE_S)
  if (turn === null) return 'done'
  const { texts, dropped } = await write(notifying, team, turn.notices)
  const drops = dropped.map(({ number }): NoticeEnd => ({ number, state: 'dropped', error: null }))
  if (turn.hook === null || texts.length === 0) {
    const all = turn.notices.map(({ number }): NoticeEnd => ({ number, state: 'dropped', error: null }))
    await end(notifying, team, turn.turn, turn.hook === null ? all : drops, { failures: turn.failures, againInS: 0 })
    return 'more'
  }
  const answer = await hooks.post(turn.hook, texts.map(({ text }) => text).join('\n\n'), stop)
  // The worker stops: that says nothing about the hook.
  const failures = answer.kind === 'taken' ? 0 : stop.aborted ? turn.failures : turn.failures + 1
  const error = answer.kind === 'taken' ? null : answer.why
  const ends = texts.map(({ notice }): NoticeEnd => ({ number: notice.number, state: courseOf(answer, notice), error }))
  if (error !== null && !stop.aborted) tell(notifying, team, answer, error, ends)
  const kept = await end(notifying, team, turn.turn, [...drops, ...ends], { failures, againInS: pauseAfter(answer, failures, chance()) })
  return kept && answer.kind === 'taken' ? 'more' : 'done'
}

type Written = { readonly notice: PendingNotice; readonly text: string }

/** The texts that fit into one post, and the notices that are no news any more. */
async function write(
  { pool, currency }: Notifying,
  team: string,
  notices: readonly PendingNotice[],
): Promise<{ readonly texts: readonly Written[]; readonly dropped: readonly PendingNotice[] }> {
  const requests = await readNoticedRequests(
    pool,
    notices.map(({ subject }) => subject),
  )
  const texts: Written[] = []
  const dropped: PendingNotice[] = []
  let room = POST.characters
  for (const notice of notices) {
    const text = textOf(notice, requests.get(notice.subject), team, currency)
    if (text === null) dropped.push(notice)
    else if (texts.length > 0 && text.length > room) break
    else {
      texts.push({ notice, text })
      room -= text.length
    }
  }
  return { texts, dropped }
}

function textOf({ kind, subject, data }: PendingNotice, record: RequestRecord | undefined, team: string, currency: string): string | null {
  if (kind === 'budget') return budgetNotice(subject, data, currency)
  // Budgets of others are no business of this team's chat (L11).
  return record === undefined ? null : requestNotice(kind, record, { all: false, teams: new Set([team]) })
}

async function end(
  { pool, count }: Notifying,
  team: string,
  turn: string,
  ends: readonly NoticeEnd[],
  hook: { readonly failures: number; readonly againInS: number },
): Promise<boolean> {
  const kept = await endNotices(pool, team, turn, ends, hook)
  if (kept) for (const { state } of ends) count(state, 1)
  return kept
}

function tell({ warn }: Notifying, team: string, { kind }: HookAnswer, why: string, ends: readonly NoticeEnd[]): void {
  const givenUp = ends.filter((each) => each.state === 'given-up').length
  if (givenUp > 0) warn('notices to the hook of a team are given up', { team, why, notices: givenUp })
  else warn('notices to the hook of a team will be tried again', { team, why, kind, notices: ends.length })
}

const EVENTS = 1_000
const TEAMS = 200
const KEPT_S = 30 * 86_400
const FORGOTTEN = 1_000

/**
 * Compares what should be true with what is: notes down what the log has since, and says which teams have notices that may leave.
 * A lost queue loses only the hint that this gives anew.
 */
export async function sweepNotices(pool: pg.Pool, hint: (team: string) => void): Promise<void> {
  while (await noteEvents(pool, EVENTS));
  for (const team of await listDueTeams(pool, TEAMS)) hint(team)
}

/** What became of notices is of interest for a while. */
export async function forgetOldNotices(pool: pg.Pool): Promise<void> {
  await forgetNotices(pool, KEPT_S, FORGOTTEN)
}
