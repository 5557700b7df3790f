import { branchAcceptance } from '../../../operations/branch-acceptance.ts'
import type { BranchHistory } from '../../../operations/branch-history.ts'
import type { Context } from '../../../operations/context.ts'
import { acceptBranch, listBranches } from '../../../operations/gitops-branches.ts'
import { plainQuery } from '../../../operations/list-queries.ts'
import { verifyGitops } from '../../../operations/verify-gitops.ts'
import { sendThing, sendValue } from '../answer.ts'
import { callerOf } from '../authentication.ts'
import type { HttpApp } from '../http-app.ts'
import { bodyRefusals, operation } from '../operation.ts'
import { readPaging } from '../paging.ts'
import { sendProblem } from '../problems.ts'
import { branchList, branchSchema, verification } from '../schemas/branch.ts'

export function branchRoutes(app: HttpApp, context: Context, history: BranchHistory | null): void {
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

  const verify = {
    ...operation({
      id: 'verifyGitops',
      tag: 'GitOps',
      summary: 'Verify the GitOps branches',
      description:
        'Walks the commits and proves each: made once, for a request that was released, with the bytes of its plan. Whatever else is on a branch is a problem, and so is a commit that is not there any more. Only for administrators and auditors, with the scope `audit:read`.',
      answers: { 200: { description: 'What a page of commits is worth.', schema: verification } },
    }),
    querystring: plainQuery,
  }
  app.get('/gitops/verify', { schema: verify }, async (request, reply) => {
    const { page } = readPaging(request.query)
    if (history === null) {
      const detail = 'This process has no way to the GitOps repositories.'
      return sendProblem(reply, { code: 'unavailable', detail, retryAfterS: 60 })
    }
    const verified = await verifyGitops(context, history, callerOf(request), page)
    return sendValue(request, reply, verified.ok ? { ok: true, value: { ...verified.value } } : verified)
  })
}
