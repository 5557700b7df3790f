import type pg from 'pg'
import { idToUuid, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Action, ObjectRef, Plan } from '../core/plan.ts'
import type { BudgetSnapshot } from '../core/request-record.ts'
import { openBatches } from './batching.ts'
import { run } from './database.ts'
import { parseSnapshots, type SnapshotRow } from './snapshot.ts'

/** One submit as `admit` takes it: everything that its one transaction writes. */
export type Submit = {
  readonly id: Id<'request'>
  readonly platformRevision: bigint
  readonly principal: string
  readonly via: string | null
  /** Principals who had a part in asking; none of them may approve. */
  readonly parties: readonly string[]
  readonly idempotency: { readonly scope: string; readonly key: string; readonly fingerprint: string } | null
  readonly reason: string
  readonly plan: Plan
  /** By change; a create's is the one that its resource gets. */
  readonly resourceIds: readonly Id<'resource'>[]
  /** What is shown of the request and never changes. */
  readonly body: JsonObject
  /** Facts of a denial by policy; null when policy lets it pass. */
  readonly problem: JsonObject | null
  readonly actor: JsonObject
}

export type Answer =
  | { readonly outcome: 'admitted'; readonly budgets: readonly BudgetSnapshot[]; readonly at: Date; readonly delivery: string | null }
  | {
      readonly outcome: 'denied'
      readonly budgets: readonly BudgetSnapshot[]
      readonly short: readonly BudgetSnapshot[]
      readonly at: Date
    }
  | { readonly outcome: 'stale' | 'key-reused' }
  | { readonly outcome: 'replay'; readonly request: string }
  | Conflict

/** What stands in the way of a plan, by the index of its change. */
export type Conflict =
  | { readonly outcome: 'resource-exists'; readonly change: number }
  | { readonly outcome: 'resource-busy'; readonly change: number; readonly request: string | null }
  | { readonly outcome: 'object-exists'; readonly change: number; readonly object: ObjectRef }

type AnswerRow =
  | { readonly outcome: 'admitted'; readonly budgets: readonly SnapshotRow[]; readonly at: string; readonly delivery: string | null }
  | { readonly outcome: 'denied'; readonly budgets: readonly SnapshotRow[]; readonly short: readonly SnapshotRow[]; readonly at: string }
  /** A neighbour in the same array holds the same key. */
  | { readonly outcome: 'again' }
  | Exclude<Answer, { outcome: 'admitted' | 'denied' }>

function parseAnswer(row: Exclude<AnswerRow, { outcome: 'again' }>): Answer {
  switch (row.outcome) {
    case 'admitted':
      return { ...row, budgets: parseSnapshots(row.budgets), at: new Date(row.at) }
    case 'denied':
      return { ...row, budgets: parseSnapshots(row.budgets), short: parseSnapshots(row.short), at: new Date(row.at) }
    case 'stale':
    case 'key-reused':
    case 'replay':
    case 'resource-exists':
    case 'resource-busy':
    case 'object-exists':
      return row
  }
}

export type Admission = {
  /** @throws Fault when the database is away: whether the submit was admitted is then unknown. */
  admit(submit: Submit): Promise<Answer>
}

/** A hot budget's row collapses under many connections, and a fuller batch costs less a submit: bench/submit.ts. */
const CONNECTIONS = 2
/** So many are planned while others are admitted: with fewer, processor and disk would wait for each other. */
const ENOUGH = 8
/** Submits that one process keeps waiting; a second's work, and at most that many bodies in memory. */
const MOST_WAITING = 2_000
const BATCH = 32
/**
 * As much JSON leaves together; a larger submit leaves alone. Each key of a submit is a lock until its transaction ends, and
 * the server has room for a few thousand (max_locks_per_transaction × max_connections): 32 submits of 50 changes each would
 * fill it, and be refused together with whoever came with them.
 */
const BATCH_CHARS = 512 * 1024

const admitStatement = { name: 'admit', text: 'select answer from admit($1::jsonb) order by ordinal' }

/** Submits that arrive while calls are under way leave together in the next one. */
export function openAdmission(pool: pg.Pool): Admission {
  const admit = openBatches({
    run: admitAll,
    calls: CONNECTIONS,
    enough: ENOUGH,
    most: BATCH,
    heaviest: BATCH_CHARS,
    weigh: (doc: string) => doc.length,
    waiting: MOST_WAITING,
  })

  async function admitAll(docs: readonly string[]): Promise<readonly AnswerRow[]> {
    const rows = await run<{ answer: AnswerRow }>(pool, admitStatement, [`[${docs.join(',')}]`])
    return rows.map((row) => row.answer)
  }

  return {
    async admit(submit) {
      const doc = JSON.stringify(submitDocument(submit))
      for (;;) {
        const answer = await admit(doc)
        if (answer.outcome !== 'again') return parseAnswer(answer)
      }
    },
  }
}

type ChangeDocument = {
  readonly action: Action
  readonly resourceId: string | null
  readonly name: string
  readonly [member: string]: unknown
}

function changeDocuments(plan: Plan, resourceIds: readonly Id<'resource'>[]): ChangeDocument[] {
  return plan.changes.map((change, index) => {
    const id = change.resourceId ?? resourceIds[index]
    return {
      action: change.action,
      resourceId: id === undefined ? null : idToUuid(id),
      name: change.name,
      blueprintName: change.blueprint.name,
      blueprintVersion: change.blueprint.version,
      parameters: change.parameters,
      ttl: change.ttl,
      costBefore: Number(change.cost.before),
      costAfter: Number(change.cost.after),
      baseRevision: change.baseRevision,
      overwrite: change.overwrite,
      objects: change.objects,
    }
  })
}

function submitDocument(submit: Submit): unknown {
  const { plan } = submit
  const place = `${plan.team}/${plan.environment}`
  return {
    id: idToUuid(submit.id),
    platformRevision: Number(submit.platformRevision),
    principal: submit.principal,
    via: submit.via,
    parties: submit.parties,
    scope: submit.idempotency?.scope ?? null,
    key: submit.idempotency?.key ?? null,
    fingerprint: submit.idempotency?.fingerprint ?? null,
    team: plan.team,
    environment: plan.environment,
    reason: submit.reason,
    outcome: plan.decision.outcome,
    planDigest: plan.digest,
    policyDigest: plan.policyDigest,
    costDelta: Number(plan.changes.reduce((sum, change) => sum + change.cost.after - change.cost.before, 0n)),
    repository: plan.repository,
    branch: plan.branch,
    // Text, so that the order of its members survives jsonb.
    body: JSON.stringify(submit.body),
    problem: submit.problem,
    actor: submit.actor,
    subject: submit.id,
    // What two submits may both want; `admit` serializes them by these.
    keys: [
      ...(submit.idempotency === null ? [] : [`key/${submit.idempotency.scope}/${submit.idempotency.key}`]),
      ...plan.changes.map((change) => `resource/${place}/${change.name}`),
      ...plan.changes.flatMap((change) =>
        change.objects.map((o) => `object/${plan.environment}/${o.group}/${o.kind}/${o.namespace}/${o.name}`),
      ),
    ],
    approvals: plan.decision.approvals.map(({ source, policy, rule, approvers, required }) => ({
      source,
      policy,
      rule,
      ...approvers,
      required,
    })),
    changes: changeDocuments(plan, submit.resourceIds),
    files: plan.files,
  }
}
