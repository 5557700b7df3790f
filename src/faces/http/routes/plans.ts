import type { ProblemCode } from '../../../core/problem.ts'
import type { Context } from '../../../operations/context.ts'
import { planRequest } from '../../../operations/plan-request.ts'
import { requestInput } from '../../../operations/request-input.ts'
import { sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { bodyRefusals, operation } from '../operation.ts'
import { planSchema } from '../schemas/request.ts'

/** Why something that is asked for may not even be planned. */
export const planRefusals: readonly ProblemCode[] = [
  'invalid-parameters',
  'invalid-manifest',
  'plaintext-secret',
  'plan-changed',
  'resource-exists',
  'resource-busy',
  'object-exists',
  ...bodyRefusals,
]

export function planRoutes(app: HttpApp, context: Context): void {
  const schema = {
    ...operation({
      id: 'planRequest',
      tag: 'Requests',
      summary: 'What would a request do?',
      description:
        'The files, the cost, what policy says and whether the money is there. Nothing is stored or reserved. A denial is an answer here: `decision.outcome` is `denied`, or a budget is short, and `problem` says why.',
      answers: { 200: { description: 'The plan.', schema: planSchema } },
      refuses: planRefusals,
    }),
    body: requestInput,
  }
  app.post('/plans', { schema }, async (request, reply) =>
    sendValue(request, reply, await planRequest(context, callerOf(request), request.body)),
  )
}
