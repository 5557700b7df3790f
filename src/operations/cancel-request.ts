import { parseId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { presentRequest } from '../core/present-request.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { roleAtLeast } from '../core/roles.ts'
import { cancelRequest as cancelInStore, readRequest } from '../store/requests.ts'
import { actorOf, budgetViewOf, missingScope, rolesOfCaller, sightOf, type Caller, type Forbidden } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'

/** Takes a request back until delivery has claimed it: one's own as a developer, another's as an owner or administrator. */
export async function cancelRequest(context: Context, caller: Caller, text: string): Promise<Result<JsonObject>> {
  const { pool } = context.database
  const platform = await context.platform()
  const sight = sightOf(platform, caller)
  const id = parseId('request', text)
  const request = id === null ? null : await readRequest(pool, id, sight)
  if (request === null) return refuse({ code: 'not-found' })

  const own = request.requester.subject === caller.subject
  const needed = own ? 'developer' : 'owner'
  const [role] = rolesOfCaller(platform, caller, request.team)
  const mayCancel = (role !== undefined && roleAtLeast(role, needed)) || caller.administrator
  const forbidden: Forbidden | null =
    missingScope(caller, 'requests:write') ??
    (mayCancel
      ? null
      : {
          code: 'forbidden',
          detail: `Cancelling ${own ? 'your own request' : "somebody else's request"} takes the role ${needed} in team ${request.team}.`,
          needs: `role ${needed} in team ${request.team}`,
        })
  if (forbidden !== null) return forbid(context, caller, forbidden, { operation: 'cancelRequest', team: request.team, subject: request.id })

  const answer = await cancelInStore(pool, request.id, actorOf(caller))
  if (answer.outcome === 'wrong-state') {
    const why = answer.claimed ? 'its delivery has begun' : `it is ${answer.state}`
    return refuse({ code: 'wrong-state', state: answer.state, detail: `${request.id} cannot be cancelled any more: ${why}.` })
  }
  const now = await readRequest(pool, request.id, sight)
  return now === null ? refuse({ code: 'not-found' }) : ok(presentRequest(now, budgetViewOf(platform, caller)))
}
