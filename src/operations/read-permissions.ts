import type { JsonObject } from '../core/json.ts'
import { operations, permissionOf, type Operation } from '../core/permissions.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { missing } from './authorize.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'

/**
 * Each operation with whether the caller may, and if not, the scope or role that would do. With a team: in that team;
 * without: what is about no team. A team in which the caller has no role answers like any other, since teams are no secret.
 */
export async function readPermissions(context: Context, caller: Caller, team: string | null): Promise<Result<JsonObject>> {
  const platform = await context.platform()
  if (team !== null && !platform.teams.has(team))
    return refuse({ code: 'invalid', errors: [{ pointer: '/query/team', detail: `there is no team ${team}` }] })
  return ok({
    team,
    permissions: operations.flatMap((operation) => {
      if (team === null && isOfTeam(operation)) return []
      const { does, verb } = permissionOf(operation)
      const forbidden = missing(platform, caller, operation, team ?? '')
      return [{ operation, verb, does, allowed: forbidden === null, needs: forbidden?.needs ?? null }]
    }),
  })
}

function isOfTeam(operation: Operation): boolean {
  const { kind } = permissionOf(operation).who
  return kind === 'member' || kind === 'named'
}
