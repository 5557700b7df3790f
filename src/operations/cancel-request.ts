import { parseId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { presentRequest } from '../core/present-request.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { cancelRequest as cancelInStore, readRequest } from '../store/requests.ts'
import { missingRole } from './authorize.ts'
import { actorOf, budgetViewOf, sightOf, type Caller } from './caller.ts'
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
  const forbidden = missingRole(platform, caller, own ? 'cancelRequest' : 'cancelOthersRequest', request.team)
  if (forbidden !== null) return forbid(context, caller, forbidden, { operation: 'cancelRequest', team: request.team, subject: request.id })

  const answer = await cancelInStore(pool, request.id, actorOf(caller))
  if (answer.outcome === 'wrong-state') {
    const why = answer.claimed ? 'its delivery has begun' : `it is ${answer.state}`
    return refuse({ code: 'wrong-state', state: answer.state, detail: `${request.id} cannot be cancelled any more: ${why}.` })
  }
  const now = await readRequest(pool, request.id, sight)
  return now === null ? refuse({ code: 'not-found' }) : ok(presentRequest(now, budgetViewOf(platform, caller)))
}
