import type { Measure } from '../core/money.ts'
import { idFromUuid, type Id } from '../core/ids.ts'
import { read, type Database } from './database.ts'

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
export async function readBudgetCounters({ prisma }: Database, names: readonly string[]): Promise<ReadonlyMap<string, BudgetCounters>> {
  const rows = await read(prisma.budget.findMany({ where: { name: { in: [...names] }, retiredAt: null } }))
  return new Map(
    rows.map((row) => [
      row.name,
      {
        name: row.name,
        team: row.team,
        measure: row.measure as Measure, // Checked by budget_measure_known.
        limit: row.limitAmount,
        committed: row.committed,
        reserved: row.reserved,
      },
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
  { prisma }: Database,
  name: string,
  page: { readonly first: number; readonly after: bigint | null },
): Promise<readonly LedgerEntry[]> {
  const rows = await read(
    prisma.budgetEntry.findMany({
      // A decrease reserves nothing.
      where: { budget: { name, retiredAt: null }, amount: { not: 0 }, ...(page.after === null ? {} : { id: { gt: page.after } }) },
      orderBy: { id: 'asc' },
      take: page.first,
    }),
  )
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind as LedgerEntry['kind'], // Checked by budget_entry_kind_known.
    amount: row.amount,
    request: row.requestId === null ? null : idFromUuid('request', row.requestId),
    at: row.at,
  }))
}
