import type { JsonObject } from '../core/json.ts'
import { ok, type Result } from '../core/result.ts'
import { teamsOfCaller, type Caller } from './caller.ts'
import type { Context } from './context.ts'

/** Who the caller is, and what they may do where: their highest role in each team. */
export async function readMe(context: Context, caller: Caller): Promise<Result<JsonObject>> {
  const platform = await context.platform()
  return ok({
    subject: caller.subject,
    kind: caller.kind,
    email: caller.email,
    via: caller.via?.subject ?? null,
    scopes: [...caller.scopes],
    platformRoles: [...(caller.administrator ? ['administrator'] : []), ...(caller.auditor ? ['auditor'] : [])],
    credential: {
      kind: caller.credential.kind,
      id: caller.credential.id,
      expiresAt: caller.credential.expiresAt?.toISOString() ?? null,
    },
    teams: teamsOfCaller(platform, caller).map(({ name, roles }) => ({ name, role: roles[0] ?? 'viewer' })),
  })
}
