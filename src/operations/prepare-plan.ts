import { isObject, type JsonObject } from '../core/json.ts'
import { planRequest as planChanges } from '../core/plan-request.ts'
import type { LiveResource, Plan, PlanFacts, RequestInput } from '../core/plan.ts'
import type { Platform } from '../core/platform.ts'
import { refuse, type Result } from '../core/result.ts'
import { parseYamlDocuments } from '../core/yaml.ts'
import { readCommittedFiles, readLiveResources } from '../store/resources.ts'
import { rolesOfCaller, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { readUnread } from './kind-schemas.ts'

/** The plan of what is asked, on the platform given and the resources as they are committed now. */
export async function preparePlan(context: Context, platform: Platform, caller: Caller, input: RequestInput): Promise<Result<Plan>> {
  if (!platform.teams.has(input.team)) {
    return refuse({ code: 'invalid', errors: [{ pointer: '/team', detail: `there is no team ${input.team}` }] })
  }
  const named = input.changes.filter((change) => change.action !== 'create').map((change) => change.name)
  const resources = named.length === 0 ? new Map() : await readLiveResources(context.database.pool, input.team, input.environment, named)
  const committed = new Map<LiveResource['id'], readonly JsonObject[]>()
  const wanted = new Set<LiveResource['id']>()
  const facts: PlanFacts = {
    now: context.now(),
    requester: {
      subject: caller.subject,
      kind: caller.kind,
      roles: rolesOfCaller(platform, caller, input.team),
      via: caller.via?.subject ?? null,
      groups: caller.groups,
    },
    resources,
    committed: ({ id }) => {
      const objects = committed.get(id)
      if (objects === undefined) wanted.add(id)
      return objects ?? null
    },
  }
  // Schemas and objects that few plans need are read when one turns out to need them; mostly the first plan is the plan.
  for (;;) {
    const plan = planChanges(platform, input, facts)
    const again = await readUnread(context, platform)
    if (wanted.size > 0) {
      const files = await readCommittedFiles(context.database.pool, [...wanted])
      for (const id of wanted) committed.set(id, (files.get(id) ?? []).flatMap(parseObjects))
      wanted.clear()
    } else if (!again) return plan
  }
}

/** What Purser wrote itself, so that it parses. */
function parseObjects(content: string): readonly JsonObject[] {
  const documents = parseYamlDocuments(content)
  return documents.ok ? documents.value.filter(isObject).map((document) => document as JsonObject) : []
}
