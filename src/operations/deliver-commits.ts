import { commitMessage } from '../core/commit-message.ts'
import type { ClaimedRequest } from '../store/deliveries.ts'
import { directoriesToClear, type PathStates } from './deliver-checks.ts'
import type { CommitPlan, Person } from './ports.ts'

const committer: Person = { name: 'Purser', email: 'purser@purser.dev' }

/** The one commit of a request. Everything in it is fixed in the database, so the same parent gives the same commit. */
export function commitPlan(request: ClaimedRequest, states: PathStates): CommitPlan {
  return {
    key: request.id,
    message: commitMessage({
      id: request.id,
      team: request.team,
      environment: request.environment,
      reason: request.reason,
      changes: request.changes,
      requestedBy: request.requestedBy,
      via: request.via,
      approvedBy: request.approvedBy,
      planDigest: request.planDigest,
      policyDigest: request.policyDigest,
      monthlyDelta: request.costDelta,
      currency: request.currency,
    }),
    // People are known by their e-mail; a service account has none.
    author: { name: request.requestedBy, email: request.requestedBy.includes('@') ? request.requestedBy : 'nobody@purser.dev' },
    committer,
    date: request.commitDate,
    files: [
      ...request.files.map(({ path, content }) => ({ path, content })),
      ...directoriesToClear(request, states).map((path) => ({ path, content: null })),
    ],
  }
}
