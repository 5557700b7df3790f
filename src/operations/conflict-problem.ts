import { idFromUuid } from '../core/ids.ts'
import type { Plan } from '../core/plan.ts'
import type { Problem } from '../core/problem.ts'
import { describeObject } from '../core/request-record.ts'
import type { Conflict } from '../store/admission.ts'

/** The refusal that a conflict is. The other request is of the same team, so its id may be told. */
export function conflictProblem(plan: Plan, conflict: Conflict): Problem {
  const change = plan.changes[conflict.change]
  if (change === undefined) throw new Error(`a conflict of change ${conflict.change}, which is not there`)
  const pointer = `/changes/${conflict.change}/name`
  switch (conflict.outcome) {
    case 'resource-exists':
      return { code: 'resource-exists', name: change.name, environment: plan.environment, pointer }
    case 'resource-busy': {
      const other = conflict.request
      return {
        code: 'resource-busy',
        name: change.name,
        environment: plan.environment,
        pointer,
        requestId: other === null ? null : idFromUuid('request', other),
      }
    }
    case 'object-exists':
      return { code: 'object-exists', object: describeObject(conflict.object), pointer }
  }
}
