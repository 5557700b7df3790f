import type { JsonObject } from '../core/json.ts'
import { refuse } from '../core/result.ts'
import { recordRefusedAccess } from '../store/events.ts'
import { actorOf, type Caller, type Forbidden } from './caller.ts'
import type { Context } from './context.ts'

/** Refuses a write that the caller may not do, and says so in the log (L9). `subject`: the id or name of what it is about. */
export async function forbid<P extends Forbidden | { readonly code: 'own-request' }>(
  context: Context,
  caller: Caller,
  problem: P,
  about: { readonly operation: string; readonly team: string | null; readonly subject: string },
): Promise<{ readonly ok: false; readonly problem: P }> {
  const data: JsonObject = { operation: about.operation, code: problem.code, ...('needs' in problem ? { needs: problem.needs } : {}) }
  await recordRefusedAccess(context.database.pool, { actor: actorOf(caller), team: about.team, subject: about.subject, data })
  return refuse(problem)
}
