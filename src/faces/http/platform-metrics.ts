import { createHash } from 'node:crypto'
import { Counter, Gauge, type Registry } from 'prom-client'
import { embeddedRepository } from '../../core/place.ts'
import type { Context } from '../../operations/context.ts'
import { openGauges } from '../../operations/read-gauges.ts'

const branchStates = ['ok', 'refuses', 'unreachable', 'history-rewritten'] as const

/** Shown with 0 from the start, so that the first one is seen as an increase. */
const eventTypes = [
  'request.submitted',
  'request.denied',
  'request.approved',
  'request.rejected',
  'request.cancelled',
  'request.committed',
  'request.failed',
  'resource.changed',
  'resource.deleted',
  'budget.alert',
  'document.applied',
  'access.refused',
]

/**
 * What the installation as a whole is up to: the answer reads it, before a scrape, from the database, at most every 5 s. Every replica
 * shows the same: dashboards take the maximum, never the sum. While the database is away there are no numbers, not old ones.
 *
 * /metrics asks for no token, so nothing in it names a team, a budget or an amount, nor where a repository is.
 */
export function measurePlatform(registry: Registry, context: Pick<Context, 'database' | 'hints'>): () => Promise<void> {
  const reader = openGauges(context)
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] })
  const requests = gauge('purser_requests_open', 'Requests that are open, by state; counted up to 100,000', ['state'])
  const requestAge = gauge('purser_request_oldest_age_seconds', 'Time since the oldest open request was asked for, by state', ['state'])
  const reservationAge = gauge('purser_reservation_oldest_age_seconds', 'Time since the oldest open request that holds money was asked for')
  const state = gauge('purser_branch_state', '1 for the state in which a branch is', ['repository', 'branch', 'state'])
  const stateAge = gauge('purser_branch_state_age_seconds', 'Time that a branch has been in its state', ['repository', 'branch'])
  const waiting = gauge('purser_branch_deliveries', 'Requests that wait for their commit on a branch; counted up to 100,000', [
    'repository',
    'branch',
  ])
  const queueAge = gauge('purser_branch_delivery_oldest_age_seconds', 'Time that the first in a branch’s queue has waited for its commit', [
    'repository',
    'branch',
  ])
  const notices = gauge('purser_notices_pending', 'Notices that wait for the hooks of their teams; counted up to 100,000')
  const noticeAge = gauge('purser_notice_oldest_age_seconds', 'Time since the event of the oldest notice that waits for a hook')
  const budgets = gauge('purser_budgets', 'Budgets in force')
  const budgetUse = gauge('purser_budgets_used', 'Budgets that are committed and reserved to at least this part of their limit', [
    'at_least',
  ])
  const maxUse = gauge('purser_budget_use_max_ratio', 'Committed and reserved over the limit, of the budget that is used most')
  const fromDatabase = [
    requests,
    requestAge,
    reservationAge,
    state,
    stateAge,
    waiting,
    queueAge,
    notices,
    noticeAge,
    budgets,
    budgetUse,
    maxUse,
  ]
  const events = new Counter({
    name: 'purser_events_total',
    help: 'Events of the whole installation since this process started, by type',
    labelNames: ['type'],
    registers: [registry],
  })
  for (const type of eventTypes) events.inc({ type }, 0)

  const queueUp = gauge('purser_queue_up', '1 when the last hint reached the queue; without hints, delivery waits for the next sweep')
  const databaseUp = gauge('purser_database_up', '1 when the database answered this scrape')

  return async () => {
    const read = await reader.read()
    queueUp.set(context.hints.fault === null ? 1 : 0)
    databaseUp.set(read === null ? 0 : 1)
    for (const metric of fromDatabase) metric.reset()
    // `reset` leaves those without labels at 0, which would be a number.
    for (const metric of [reservationAge, notices, noticeAge, budgets, maxUse]) metric.remove()
    if (read === null) return
    for (const [type, count] of reader.takeEvents()) events.inc({ type: shortType(type) }, count)
    for (const row of read.requests) {
      requests.set({ state: row.state }, row.count)
      requestAge.set({ state: row.state }, row.oldestAge)
    }
    reservationAge.set(read.reservationAge)
    for (const row of read.branches) {
      const labels = { repository: shortRepository(row.repository), branch: row.branch }
      for (const each of branchStates) state.set({ ...labels, state: each }, row.state === each ? 1 : 0)
      stateAge.set(labels, row.stateAge)
      waiting.set(labels, row.waiting)
      queueAge.set(labels, row.oldestAge)
    }
    notices.set(read.notices.pending)
    noticeAge.set(read.notices.oldestAge)
    budgets.set(read.budgets.count)
    for (const { use, count } of read.budgets.atLeast) budgetUse.set({ at_least: String(use) }, count)
    maxUse.set(read.budgets.maxUse)
  }
}

/** `dev.purser.request.committed.v1` → `request.committed`. */
function shortType(type: string): string {
  return /^dev\.purser\.([a-z.]{1,60})\.v\d$/.exec(type)?.[1] ?? 'other'
}

/** A URL says where somebody's repositories are; eight characters of its SHA-256 tell two of them apart. */
function shortRepository(repository: string): string {
  return repository === embeddedRepository ? repository : createHash('sha256').update(repository).digest('hex').slice(0, 8)
}
