import { parseId } from '../core/ids.ts'
import { canonicalize, digest } from '../core/json.ts'
import type { ChangeInput } from '../core/plan.ts'
import type { Platform } from '../core/platform.ts'
import type { RequestBody, RequestRecord } from '../core/request-record.ts'
import type { RequestState } from '../core/request.ts'
import { refuse } from '../core/result.ts'
import { readRequest, readVoters } from '../store/requests.ts'
import { missingRole } from './authorize.ts'
import { sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import { ask, type Asking, type Submitted } from './submit-request.ts'

const retriable: ReadonlySet<RequestState> = new Set(['failed', 'expired', 'rejected'])

/**
 * Asks once more for what was asked: a new request, planned and decided on the platform of now. One's own as a developer,
 * another's as an owner or administrator. Whoever had a part in the first may not approve the second (L4).
 */
export async function retryRequest(context: Context, caller: Caller, text: string, idempotencyKey: string | null): Promise<Submitted> {
  const { pool } = context.database
  const platform = await context.platform()
  const id = parseId('request', text)
  const first = id === null ? null : await readRequest(pool, id, sightOf(platform, caller))
  if (first === null) return { answer: refuse({ code: 'not-found' }), replayed: false }
  const mayNot = (now: Platform) => missingRole(now, caller, rowOf(caller, first), first.team)
  // Before the state, so that whoever may not retry learns nothing by trying.
  const forbidden = mayNot(platform)
  if (forbidden !== null) {
    const about = { operation: 'retryRequest', team: first.team, subject: first.id }
    return { answer: await forbid(context, caller, forbidden, about), replayed: false }
  }
  if (!retriable.has(first.state)) {
    const detail = `${first.id} is ${first.state}; only what failed, expired or was rejected can be tried again.`
    return { answer: refuse({ code: 'wrong-state', state: first.state, detail }), replayed: false }
  }
  const { parties } = await readVoters(pool, first.id, caller.principal, context.groupsTtlMs)
  const asking: Asking = {
    operation: 'retryRequest',
    input: {
      team: first.team,
      environment: first.environment,
      ...(first.reason === '' ? {} : { reason: first.reason }),
      changes: first.body.asked ?? first.body.changes.map(askedAsShown),
    },
    fingerprint: digest(canonicalize({ retryOf: first.id })),
    mayNot,
    retryOf: first.id,
    parties,
  }
  return ask(context, caller, asking, idempotencyKey)
}

function rowOf(caller: Caller, { requester }: RequestRecord): 'retryRequest' | 'retryOthersRequest' {
  return requester.subject === caller.subject ? 'retryRequest' : 'retryOthersRequest'
}

/** Of requests from before what was typed was kept: every parameter as it was then, on the version of then. */
function askedAsShown(change: RequestBody['changes'][number]): ChangeInput {
  const shown = change as unknown as ShownChange // As `requestBody` wrote it.
  const { name } = shown.resource
  const blueprint = `${shown.blueprint.name}@${shown.blueprint.version}`
  switch (shown.action) {
    case 'create':
      return { action: 'create', name, blueprint, parameters: shown.parameters, ...(shown.ttl === null ? {} : { ttl: shown.ttl }) }
    case 'update':
      return { action: 'update', name, blueprint, parameters: shown.parameters }
    case 'delete':
      return { action: 'delete', name }
  }
}

type ShownChange = {
  readonly action: ChangeInput['action']
  readonly blueprint: { readonly name: string; readonly version: string }
  readonly resource: { readonly name: string }
  readonly parameters: NonNullable<Extract<ChangeInput, { action: 'create' }>['parameters']>
  readonly ttl: string | null
}
