import { formatAmount, type Measure } from '../core/money.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listLedger, readBudgetCounters, type LedgerEntry } from '../store/budgets.ts'
import { missingScope } from './authorize.ts'
import { readableTeams, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { pageOf, parseCursor, type Page, type PageInput } from './page.ts'

/** A page of a budget's ledger, oldest first: what its counters are made of. */
export async function listBudgetLedger(context: Context, caller: Caller, name: string, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'listBudgetLedger')
  if (forbidden !== null) return refuse(forbidden)
  const teams = readableTeams(await context.platform(), caller)
  const budget = (await readBudgetCounters(context.database, [name])).get(name)
  if (budget === undefined || (teams !== null && (budget.team === null || !teams.includes(budget.team))))
    return refuse({ code: 'not-found' })
  const after = parseCursor(page.after, parseLedgerPosition)
  if (!after.ok) return after
  const entries = await listLedger(context.database, name, { first: page.first + 1, after: after.value })
  return ok(pageOfLedger(entries, page.first, budget.measure))
}

/** A page of one budget's ledger, from an entry more than it shows. */
export function pageOfLedger(entries: readonly LedgerEntry[], first: number, measure: Measure): Page {
  return pageOf(
    entries,
    first,
    (e) => ({ kind: e.kind, amount: formatAmount(e.amount, measure), request: e.request, at: e.at.toISOString() }),
    (e) => e.id.toString(),
  )
}

/** The position in a cursor of a ledger; null: it is none. */
export function parseLedgerPosition(text: string): bigint | null {
  return /^\d{1,18}$/.test(text) ? BigInt(text) : null
}
