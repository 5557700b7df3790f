import type { Measure } from '../core/money.ts'
import { idFromUuid, type Id } from '../core/ids.ts'
import { run, type Database } from './database.ts'
import { limitOf } from './list-pages.ts'

/** A budget's counters, in the units of its measure. */
export type BudgetCounters = {
  readonly name: string
  readonly team: string | null
  readonly measure: Measure
  readonly limit: bigint
  readonly committed: bigint
  readonly reserved: bigint
}

/** The counters of budgets in force, by name. */
export async function readBudgetCounters({ pool }: Database, names: readonly string[]): Promise<ReadonlyMap<string, BudgetCounters>> {
  type Row = { name: string; team: string | null; measure: Measure; limit: string; committed: string; reserved: string }
  const rows = await run<Row>(
    pool,
    {
      name: 'read_budget_counters',
      text: `select b.name, b.team, b.measure, b.limit_amount::text as limit, b.committed::text, b.reserved::text
        from budget b where b.name = any ($1) and b.retired_at is null`,
    },
    [names],
  )
  return new Map(
    rows.map(({ name, team, measure, limit, committed, reserved }) => [
      name,
      { name, team, measure, limit: BigInt(limit), committed: BigInt(committed), reserved: BigInt(reserved) },
    ]),
  )
}

export type LedgerEntry = {
  readonly id: bigint
  readonly kind: 'opening' | 'reserve' | 'capture' | 'release'
  readonly amount: bigint
  readonly request: Id<'request'> | null
  readonly at: Date
}

/** A page of the ledger of the budget in force of this name, oldest first. */
export async function listLedger(
  { pool }: Database,
  name: string,
  page: { readonly first: number; readonly after: bigint | null },
): Promise<readonly LedgerEntry[]> {
  type Row = { id: string; kind: LedgerEntry['kind']; amount: string; request_id: string | null; at: Date }
  const limit = limitOf(page.first)
  const rows = await run<Row>(
    pool,
    {
      name: `list_ledger ${limit}`,
      // A decrease reserves nothing.
      text: `select e.id::text, e.kind, e.amount::text, e.request_id, e.at from budget_entry e
        where e.budget_id = (select b.id from budget b where b.name = $1 and b.retired_at is null) and e.amount <> 0 and e.id > $2
        order by e.id limit ${limit}`,
    },
    [name, page.after ?? 0n],
  )
  return rows.slice(0, page.first).map((row) => ({
    id: BigInt(row.id),
    kind: row.kind,
    amount: BigInt(row.amount),
    request: row.request_id === null ? null : idFromUuid('request', row.request_id),
    at: row.at,
  }))
}
