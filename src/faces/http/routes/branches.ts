import type { Context } from '../../../operations/context.ts'
import { acceptBranch, listBranches } from '../../../operations/gitops-branches.ts'
import { sendThing, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { bodyRefusals, operation } from '../operation.ts'
import { branchAcceptance, branchList, branchSchema } from '../schemas/branch.ts'

export function branchRoutes(app: HttpApp, context: Context): void {
  const list = operation({
    id: 'listBranches',
    tag: 'GitOps',
    summary: 'List GitOps branches',
    description: 'Every branch that an environment names, and whether it can take commits.',
    answers: { 200: { description: 'The branches.', schema: branchList } },
  })
  app.get('/gitops/branches', { schema: list }, async (request, reply) =>
    sendValue(request, reply, await listBranches(context, callerOf(request))),
  )

  const accept = {
    ...operation({
      id: 'acceptBranch',
      tag: 'GitOps',
      summary: 'Accept a rewritten history',
      description: 'After somebody rewrote a branch, Purser holds it. An administrator who looked at it names the head to go on from.',
      answers: { 200: { description: 'The branch.', schema: branchSchema } },
      refuses: ['wrong-state', ...bodyRefusals],
    }),
    body: branchAcceptance,
  }
  app.post('/gitops/branches/accept', { schema: accept }, async (request, reply) =>
    sendThing(request, reply, await acceptBranch(context, callerOf(request), request.body)),
  )
}
