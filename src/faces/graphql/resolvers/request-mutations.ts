import { acceptBranch } from '../../../operations/gitops-branches.ts'
import { branchAcceptance } from '../../../operations/branch-acceptance.ts'
import { cancelRequest } from '../../../operations/cancel-request.ts'
import { approveRequest, rejectRequest } from '../../../operations/decide-request.ts'
import { planRequest } from '../../../operations/plan-request.ts'
import { approval, rejection, requestInput } from '../../../operations/request-input.ts'
import { retryRequest } from '../../../operations/retry-request.ts'
import { submitRequest, type Submitted } from '../../../operations/submit-request.ts'
import type { MutationResolvers, PlanRequestInput } from '../generated/types.ts'
import { judge, readKey, withoutNulls } from '../judge.ts'
import { unwrap } from '../refusal.ts'
import type { ShownPlan, ShownRequest } from '../sources.ts'

export const requestMutations: Pick<
  MutationResolvers,
  'planRequest' | 'submitRequest' | 'approveRequest' | 'rejectRequest' | 'cancelRequest' | 'retryRequest' | 'acceptBranch'
> = {
  async planRequest(_, { input }, { context, caller }) {
    // As `presentPlan` shows it.
    return { plan: unwrap(await planRequest(context, caller, readAsked(input))) as ShownPlan }
  },
  async submitRequest(_, { input: { idempotencyKey, ...input } }, { context, caller }) {
    const key = readKey(idempotencyKey)
    return admitted(await submitRequest(context, caller, readAsked(input), key))
  },
  async retryRequest(_, { input: { id, idempotencyKey } }, { context, caller }) {
    return admitted(await retryRequest(context, caller, id, readKey(idempotencyKey)))
  },
  async approveRequest(_, { input: { id, ...input } }, { context, caller }) {
    return { request: shown(unwrap(await approveRequest(context, caller, id, judge(approval, withoutNulls(input))))) }
  },
  async rejectRequest(_, { input: { id, ...input } }, { context, caller }) {
    return { request: shown(unwrap(await rejectRequest(context, caller, id, judge(rejection, withoutNulls(input))))) }
  },
  async cancelRequest(_, { input: { id } }, { context, caller }) {
    return { request: shown(unwrap(await cancelRequest(context, caller, id))) }
  },
  async acceptBranch(_, { input }, { context, caller }) {
    return { branch: unwrap(await acceptBranch(context, caller, judge(branchAcceptance, withoutNulls(input)))) }
  },
}

/** What REST has as the body: the same body has the same fingerprint, whichever face it came through (L7). */
function readAsked({ changes, ...input }: PlanRequestInput) {
  return judge(requestInput, { ...withoutNulls(input), changes: changes.map(withoutNulls) })
}

function admitted({ answer, replayed }: Submitted): { readonly request: ShownRequest; readonly replayed: boolean } {
  return { request: shown(unwrap(answer)), replayed }
}

/** As `presentRequest` shows it. */
function shown(request: object): ShownRequest {
  return request as ShownRequest
}
