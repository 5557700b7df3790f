import { planRequest as planChanges } from '../core/plan-request.ts'
import type { Plan, RequestInput } from '../core/plan.ts'
import type { Platform } from '../core/platform.ts'
import { refuse, type Result } from '../core/result.ts'
import { readLiveResources } from '../store/resources.ts'
import { rolesOfCaller, type Caller } from './caller.ts'
import type { Context } from './context.ts'

/** The plan of what is asked, on the platform given and the resources as they are committed now. */
export async function preparePlan(context: Context, platform: Platform, caller: Caller, input: RequestInput): Promise<Result<Plan>> {
  if (!platform.teams.has(input.team)) {
    return refuse({ code: 'invalid', errors: [{ pointer: '/team', detail: `there is no team ${input.team}` }] })
  }
  const named = input.changes.filter((change) => change.action !== 'create').map((change) => change.name)
  const resources = named.length === 0 ? new Map() : await readLiveResources(context.database.pool, input.team, input.environment, named)
  return planChanges(platform, input, {
    now: context.now(),
    requester: {
      subject: caller.subject,
      kind: caller.kind,
      roles: rolesOfCaller(platform, caller, input.team),
      via: caller.via?.subject ?? null,
      groups: caller.groups,
    },
    resources,
  })
}
