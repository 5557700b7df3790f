/**
 * The purse as the contract describes it, in a page of arithmetic: what lives, what is open, and what each budget must
 * therefore say. Nothing here knows how the database counts.
 */
export type Environment = 'lab' | 'vault'
export type Blueprint = 'box' | 'crate'

export type ModelChange = {
  readonly action: 'create' | 'update' | 'delete'
  readonly name: string
  readonly blueprint: Blueprint
  /** Units before and after; a delete leaves none. */
  readonly before: number
  readonly after: number
}

export type ModelRequest = {
  readonly id: string
  readonly digest: string
  readonly environment: Environment
  readonly changes: readonly ModelChange[]
  /** Whose approvals it still waits for. */
  needs: readonly ('bob' | 'ove')[]
  claimed: boolean
}

export type ModelBudget = {
  readonly team: string | null
  readonly environment: Environment | null
  readonly measure: 'cost' | 'count'
  readonly blueprints: readonly string[] | null
  /** In minor units, or a count. */
  readonly limit: number
}

export type Model = {
  readonly live: Map<
    string,
    { readonly environment: Environment; readonly name: string; readonly blueprint: Blueprint; readonly units: number }
  >
  /** In the order of their release where they are released. */
  open: ModelRequest[]
  readonly budgets: Map<string, ModelBudget>
}

export const newModel = (): Model => ({ live: new Map(), open: [], budgets: new Map() })

/** A month of a box costs 1.00 a unit, of a crate 2.00. */
export function costOf(blueprint: Blueprint, units: number): number {
  return units * (blueprint === 'box' ? 100 : 200)
}

export const liveKey = (environment: Environment, name: string): string => `${environment}/${name}`

export function covers(budget: ModelBudget, environment: Environment, blueprint: Blueprint): boolean {
  const named =
    budget.blueprints === null || budget.blueprints.some((glob) => new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(blueprint))
  return (budget.team === null || budget.team === 'red') && (budget.environment === null || budget.environment === environment) && named
}

/** What changes that land together ask of a budget. */
export function deltaOf(budget: ModelBudget, environment: Environment, changes: readonly ModelChange[]): number {
  const covered = changes.filter((change) => covers(budget, environment, change.blueprint))
  return covered.reduce(
    (sum, c) =>
      sum +
      (budget.measure === 'cost'
        ? costOf(c.blueprint, c.after) - costOf(c.blueprint, c.before)
        : c.action === 'create'
          ? 1
          : c.action === 'delete'
            ? -1
            : 0),
    0,
  )
}

export function committedOf(model: Model, budget: ModelBudget): number {
  return [...model.live.values()]
    .filter((x) => covers(budget, x.environment, x.blueprint))
    .reduce((sum, x) => sum + (budget.measure === 'cost' ? costOf(x.blueprint, x.units) : 1), 0)
}

export function reservedOf(model: Model, budget: ModelBudget): number {
  return model.open.reduce((sum, request) => sum + Math.max(0, deltaOf(budget, request.environment, request.changes)), 0)
}

/** The budgets that would not hold changes: one is enough to refuse all of them. */
export function shortOf(model: Model, environment: Environment, changes: readonly ModelChange[]): string[] {
  return [...model.budgets].flatMap(([name, budget]) => {
    const delta = deltaOf(budget, environment, changes)
    return delta > 0 && committedOf(model, budget) + reservedOf(model, budget) + delta > budget.limit ? [name] : []
  })
}

/** What a commit does to what lives. */
export function land(model: Model, request: ModelRequest): void {
  for (const { action, name, blueprint, after } of request.changes) {
    const key = liveKey(request.environment, name)
    if (action === 'delete') model.live.delete(key)
    else model.live.set(key, { environment: request.environment, name, blueprint, units: after })
  }
  model.open = model.open.filter((other) => other !== request)
}

/** Queued requests as delivery takes them: what was claimed before, then the oldest. */
export function deliverable(model: Model): ModelRequest[] {
  const queued = model.open.filter((request) => request.needs.length === 0)
  return [...queued.filter((request) => request.claimed), ...queued.filter((request) => !request.claimed)]
}
