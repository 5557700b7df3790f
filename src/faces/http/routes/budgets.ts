import type { Context } from '../../../operations/context.ts'
import { plainQuery } from '../../../operations/list-queries.ts'
import { listBudgetLedger } from '../../../operations/read-budgets.ts'
import { sendPage } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { operation } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { ledgerPage } from '../schemas/budget.ts'
import { namePath } from '../schemas/path.ts'

/** What budgets have beside their documents. */
export function budgetRoutes(app: HttpApp, context: Context): void {
  const schema = {
    ...operation({
      id: 'listBudgetLedger',
      tag: 'Budgets',
      summary: 'List the ledger of a budget',
      description: 'Every movement of its counters, oldest first; their sum is what is committed and reserved.',
      answers: { 200: { description: 'A page of entries.', schema: ledgerPage } },
      refuses: ['not-found'],
    }),
    params: namePath,
    querystring: plainQuery,
  }
  app.get('/budgets/:name/ledger', { schema }, async (request, reply) => {
    const { page } = readPaging(request.query)
    return sendPage(request, reply, await listBudgetLedger(context, callerOf(request), request.params.name, page))
  })
}
