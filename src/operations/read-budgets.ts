import { formatAmount } from '../core/money.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listLedger, readBudgetCounters } from '../store/budgets.ts'
import { missingScope, readableTeams, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { pageOf, parseCursor, type Page, type PageInput } from './page.ts'

/** A page of a budget's ledger, oldest first: what its counters are made of. */
export async function listBudgetLedger(context: Context, caller: Caller, name: string, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'read')
  if (forbidden !== null) return refuse(forbidden)
  const teams = readableTeams(await context.platform(), caller)
  const budget = (await readBudgetCounters(context.database, [name])).get(name)
  if (budget === undefined || (teams !== null && (budget.team === null || !teams.includes(budget.team))))
    return refuse({ code: 'not-found' })
  const after = parseCursor(page.after, (position) => (/^\d{1,18}$/.test(position) ? BigInt(position) : null))
  if (!after.ok) return after
  const entries = await listLedger(context.database, name, { first: page.first + 1, after: after.value })
  return ok(
    pageOf(
      entries,
      page.first,
      (e) => ({ kind: e.kind, amount: formatAmount(e.amount, budget.measure), request: e.request, at: e.at.toISOString() }),
      (e) => e.id.toString(),
    ),
  )
}
