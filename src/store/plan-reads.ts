import type pg from 'pg'
import { idToUuid } from '../core/ids.ts'
import type { Measure } from '../core/money.ts'
import type { Plan, PlannedChange } from '../core/plan.ts'
import type { BudgetSnapshot } from '../core/request-record.ts'
import type { Conflict } from './admission.ts'
import { openBatches } from './batching.ts'
import { only, run } from './database.ts'
import { inOrder } from './snapshot.ts'

/**
 * What the database knows about a plan at this moment, read without locks: for plans, which promise nothing. `admit` judges
 * the same with locks; a test holds the two against each other.
 */
export type Standing = {
  /** What stands in the way; `stale`: a resource moved on since it was read. */
  readonly conflict: Conflict | { readonly outcome: 'stale' } | null
  /** The budgets that cover the plan, with what it asks of each. */
  readonly budgets: readonly BudgetSnapshot[]
}

export type PlanReads = {
  /** @throws Fault when the database is away. */
  standing(plan: Plan): Promise<Standing>
}

/** Two, so that one that hangs does not hold up everybody; fuller batches cost less a plan. */
const CALLS = 2
const BATCH = 32
/** Plans that one process keeps waiting: more than a second's work. */
const MOST_WAITING = 5_000

/** Plans that arrive while others are read are read together: a statement for each would cost the database ten times as much. */
export function openPlanReads(pool: pg.Pool): PlanReads {
  return {
    standing: openBatches({
      run: (plans: readonly Plan[]) => readStandings(pool, plans),
      calls: CALLS,
      most: BATCH,
      waiting: MOST_WAITING,
    }),
  }
}

type ResourceRow = readonly [key: string, id: string, revision: number, openRequest: string | null]
type ClaimRow = readonly [ordinal: number, resource: string]
type BudgetRow = readonly [
  scope: number,
  name: string,
  team: string | null,
  measure: Measure,
  limit: number,
  committed: number,
  reserved: number,
]

/** Sets, not documents: taking apart jsonb for each plan was most of what a plan cost. */
const statement = {
  name: 'plan_standings',
  text: `select
    (select json_agg(json_build_array(r.team || '/' || r.environment || '/' || r.name, r.id, r.revision, r.open_request_id)) from resource r
      where r.team || '/' || r.environment || '/' || r.name = any ($1::text[]) and r.status <> 'deleted') as resources,
    (select json_agg(json_build_array(o.ordinal - 1, k.resource_id))
      from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) with ordinality o(environment, api_group, kind, namespace, name, ordinal)
        join object_claim k on (k.environment, k.api_group, k.kind, k.namespace, k.name) = (o.environment, o.api_group, o.kind, o.namespace, o.name)) as claims,
    (select json_agg(json_build_array(s.ordinal - 1, b.name, b.team, b.measure, b.limit_amount, b.committed, b.reserved))
      from unnest($7::text[], $8::text[], $9::text[]) with ordinality s(team, environment, blueprint, ordinal)
        cross join lateral (
          select * from budget o where o.team = s.team and o.retired_at is null
          union all select * from budget o where o.team is null and o.retired_at is null) b
      where (b.environment is null or b.environment = s.environment) and (b.blueprints is null or s.blueprint like any (b.blueprints))) as budgets`,
}

/** What several plans ask about, everything once. */
type Question = {
  readonly resources: Set<string>
  readonly objects: Map<string, number>
  readonly objectColumns: readonly [string[], string[], string[], string[], string[]]
  readonly scopes: Map<string, number>
  readonly scopeColumns: readonly [string[], string[], string[]]
}

async function readStandings(pool: pg.Pool, plans: readonly Plan[]): Promise<readonly Standing[]> {
  const question: Question = {
    resources: new Set(),
    objects: new Map(),
    objectColumns: [[], [], [], [], []],
    scopes: new Map(),
    scopeColumns: [[], [], []],
  }
  for (const plan of plans) for (const change of plan.changes) ask(question, plan, change)
  type Row = { resources: readonly ResourceRow[] | null; claims: readonly ClaimRow[] | null; budgets: readonly BudgetRow[] | null }
  const rows = await run<Row>(pool, statement, [[...question.resources], ...question.objectColumns, ...question.scopeColumns])
  const { resources, claims, budgets } = only(rows)

  const byKey = new Map(resources?.map((row) => [row[0], row]))
  const owners = new Map(claims?.map(([ordinal, owner]) => [ordinal, owner]))
  const covering = new Map<number, BudgetSnapshot[]>()
  for (const row of budgets ?? []) {
    const list = covering.get(row[0])
    if (list === undefined) covering.set(row[0], [snapshot(row)])
    else list.push(snapshot(row))
  }
  return plans.map((plan) => ({
    conflict: conflictOf(plan, question, byKey, owners),
    budgets: budgetsOf(plan, (change) => covering.get(question.scopes.get(scopeKey(plan, change)) ?? -1) ?? []),
  }))
}

function ask({ resources, objects, objectColumns, scopes, scopeColumns }: Question, plan: Plan, change: PlannedChange): void {
  resources.add(resourceKey(plan, change))
  for (const { group, kind, namespace, name } of change.objects) {
    put(objects, objectColumns, [plan.environment, group, kind, namespace, name])
  }
  put(scopes, scopeColumns, [plan.team, plan.environment, change.blueprint.name])
}

function put(known: Map<string, number>, columns: readonly string[][], row: readonly string[]): void {
  const key = row.join('/')
  if (known.has(key)) return
  known.set(key, known.size)
  columns.forEach((column, i) => column.push(row[i] ?? ''))
}

function resourceKey({ team, environment }: Plan, { name }: PlannedChange): string {
  return `${team}/${environment}/${name}`
}

/** None of the parts has a slash in it but an API group, which is followed by a kind that has none. */
function scopeKey({ team, environment }: Plan, { blueprint }: PlannedChange): string {
  return `${team}/${environment}/${blueprint.name}`
}

function snapshot([, name, team, measure, limit, committed, reserved]: BudgetRow): BudgetSnapshot {
  return { name, team, measure, limit: BigInt(limit), committed: BigInt(committed), reserved: BigInt(reserved), requested: 0n }
}

/** Resources of all changes come before objects of any; in each, the first change counts. */
function conflictOf(
  plan: Plan,
  question: Question,
  resources: ReadonlyMap<string, ResourceRow>,
  owners: ReadonlyMap<number, string>,
): Standing['conflict'] {
  for (const [index, change] of plan.changes.entries()) {
    const conflict = resourceConflict(change, index, resources.get(resourceKey(plan, change)))
    if (conflict !== null) return conflict
  }
  if (owners.size === 0) return null
  for (const [index, change] of plan.changes.entries()) {
    const own = change.resourceId === null ? null : idToUuid(change.resourceId)
    for (const object of change.objects) {
      const key = [plan.environment, object.group, object.kind, object.namespace, object.name].join('/')
      const owner = owners.get(question.objects.get(key) ?? -1)
      if (owner !== undefined && owner !== own) return { outcome: 'object-exists', change: index, object }
    }
  }
  return null
}

function resourceConflict(change: PlannedChange, index: number, row: ResourceRow | undefined): Standing['conflict'] {
  if (change.resourceId === null) {
    if (row === undefined) return null
    const [, , revision, openRequest] = row
    return revision === 0
      ? { outcome: 'resource-busy', change: index, request: openRequest }
      : { outcome: 'resource-exists', change: index }
  }
  if (row === undefined || row[1] !== idToUuid(change.resourceId) || row[2] !== change.baseRevision) return { outcome: 'stale' }
  return row[3] === null ? null : { outcome: 'resource-busy', change: index, request: row[3] }
}

function budgetsOf(plan: Plan, covering: (change: PlannedChange) => readonly BudgetSnapshot[]): readonly BudgetSnapshot[] {
  const byName = new Map<string, BudgetSnapshot>()
  for (const change of plan.changes) {
    for (const budget of covering(change)) {
      const { requested } = byName.get(budget.name) ?? budget
      byName.set(budget.name, { ...budget, requested: requested + deltaOf(budget.measure, change) })
    }
  }
  return inOrder([...byName.values()])
}

/** What a change asks of a budget, as `budget_delta` has it. */
function deltaOf(measure: Measure, { action, cost }: PlannedChange): bigint {
  switch (measure) {
    case 'cost':
      return cost.after - cost.before
    case 'count':
      return action === 'create' ? 1n : action === 'delete' ? -1n : 0n
  }
}
