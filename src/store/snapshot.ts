import type { Measure } from '../core/money.ts'
import type { BudgetSnapshot } from '../core/request-record.ts'

/** A budget's snapshot as jsonb brings it: amounts as JSON numbers, whole and far below 2^53. */
export type SnapshotRow = {
  readonly name: string
  readonly team: string | null
  readonly measure: Measure
  readonly limit: number
  readonly committed: number
  readonly reserved: number
  readonly requested: number
}

export function parseSnapshots(rows: readonly SnapshotRow[]): readonly BudgetSnapshot[] {
  return inOrder(
    rows.map((row) => ({
      ...row,
      limit: BigInt(row.limit),
      committed: BigInt(row.committed),
      reserved: BigInt(row.reserved),
      requested: BigInt(row.requested),
    })),
  )
}

/** Teams' own budgets first, then wider ones, by name: the database has them in the order of its locks. */
export function inOrder(budgets: BudgetSnapshot[]): readonly BudgetSnapshot[] {
  return budgets.sort((a, b) => Number(a.team === null) - Number(b.team === null) || (a.name < b.name ? -1 : 1))
}
