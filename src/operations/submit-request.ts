import { idFromUuid, newId, type Id } from '../core/ids.ts'
import { canonicalize, digest, type JsonObject } from '../core/json.ts'
import { findPlaintextSecrets } from '../core/plaintext-secret.ts'
import type { Plan, RequestInput } from '../core/plan.ts'
import type { Platform } from '../core/platform.ts'
import { asAdmitted, presentRequest } from '../core/present-request.ts'
import type { Problem } from '../core/problem.ts'
import { problemOf, requestBody, type RequestBody, type RequestRecord } from '../core/request-record.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import type { Answer, Submit } from '../store/admission.ts'
import { readRequest, readRequestByKey, sightOfAll } from '../store/requests.ts'
import { missingRole } from './authorize.ts'
import { actorOf, budgetViewOf, shownActor, type Caller, type Forbidden } from './caller.ts'
import { conflictProblem } from './conflict-problem.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import { preparePlan } from './prepare-plan.ts'
import { currentTraceparent, traced } from './tracing.ts'

/** `replayed`: the answer is the one that was given when this key was used first (L7). */
export type Submitted = { readonly answer: Result<JsonObject>; readonly replayed: boolean }

/** What is to be asked, who may ask it, and where it comes from. */
export type Asking = {
  readonly operation: 'submitRequest' | 'retryRequest'
  readonly input: RequestInput
  /** What the same Idempotency-Key must come with; nothing without a key. */
  readonly fingerprint: string
  /** Why the caller may not ask this of the team; judged again whenever the platform moved. */
  readonly mayNot: (platform: Platform) => Forbidden | null
  readonly retryOf: Id<'request'> | null
  /** Principals besides the caller who had a part in asking. */
  readonly parties: readonly string[]
}

/** Rounds of plan and admit before a submit gives up because the platform does not stand still. */
const MAX_ROUNDS = 3

/**
 * Asks: plans on the platform of this moment, and has it admitted in one transaction, which compares that moment with
 * the present. The answer is the request (queued or waiting for approvals), or a refusal; denials are recorded too.
 * @throws Fault when the database is away; with an Idempotency-Key it is safe to ask again.
 */
export async function submitRequest(
  context: Context,
  caller: Caller,
  input: RequestInput,
  idempotencyKey: string | null,
): Promise<Submitted> {
  const asking: Asking = {
    operation: 'submitRequest',
    input,
    fingerprint: idempotencyKey === null ? '' : digest(canonicalize(input)),
    mayNot: (platform) => missingRole(platform, caller, 'submitRequest', input.team),
    retryOf: null,
    parties: [],
  }
  return ask(context, caller, asking, idempotencyKey)
}

/** What `submitRequest` says, for whatever is asked: in words, or again. */
export async function ask(context: Context, caller: Caller, asking: Asking, idempotencyKey: string | null): Promise<Submitted> {
  const { input } = asking
  // Kept for ever with the request, like everything in it.
  const secrets = idempotencyKey === null ? [] : findPlaintextSecrets(idempotencyKey, '/idempotencyKey')
  if (secrets.length > 0) return fresh(refuse({ code: 'plaintext-secret', errors: secrets }))
  const idempotency =
    idempotencyKey === null
      ? null
      : { scope: `${caller.via?.principal ?? ''}/${caller.principal}`, key: idempotencyKey, fingerprint: asking.fingerprint }
  let platform = await context.platform()
  const refused = await refuseStranger(context, platform, caller, asking)
  if (refused !== null) return refused

  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (round > 0) {
      platform = await context.reloadPlatform()
      // A role can have gone with what made the first plan stale.
      const refusedNow = await refuseStranger(context, platform, caller, asking)
      if (refusedNow !== null) return refusedNow
    }
    const planned = await traced('purser plan', () => preparePlan(context, platform, caller, input))
    if (!planned.ok) return refuseUnlessKnown(context, platform, caller, idempotency, planned)
    const plan = planned.value
    if (input.planDigest !== undefined && input.planDigest !== plan.digest) {
      const changed = refuse({ code: 'plan-changed', expected: input.planDigest, planDigest: plan.digest } satisfies Problem)
      return refuseUnlessKnown(context, platform, caller, idempotency, changed)
    }
    const submit = submitOf(platform, caller, asking, plan, idempotency, context.currency)
    const answer = await traced('purser admit', () => context.admission.admit(submit))
    const outcome = await conclude(context, platform, caller, submit, answer)
    if (outcome !== null) return outcome
  }
  return fresh(
    refuse({
      code: 'unavailable',
      detail: 'The documents of the platform or the resource keep changing. Nothing was stored; ask again.',
      retryAfterS: 1,
    }),
  )
}

/** The refusal, in the log already, of somebody who may not ask for a team; null: they may, or there is no such team. */
async function refuseStranger(context: Context, platform: Platform, caller: Caller, asking: Asking): Promise<Submitted | null> {
  const { team } = asking.input
  const forbidden = platform.teams.has(team) ? asking.mayNot(platform) : null
  if (forbidden === null) return null
  return fresh(await forbid(context, caller, forbidden, { operation: asking.operation, team, subject: asking.retryOf ?? team }))
}

/**
 * What was asked once may not be possible to ask for again: before a refusal, the key is looked up. Of what can be asked,
 * `admit` says whether its key is known.
 */
async function refuseUnlessKnown(
  context: Context,
  platform: Platform,
  caller: Caller,
  idempotency: Submit['idempotency'],
  refusal: Result<never>,
): Promise<Submitted> {
  if (idempotency === null) return fresh(refusal)
  const known = await readRequestByKey(context.database.pool, idempotency.scope, idempotency.key)
  return known === null ? fresh(refusal) : replay(platform, caller, known.record, known.fingerprint === idempotency.fingerprint)
}

function fresh(answer: Result<JsonObject>): Submitted {
  return { answer, replayed: false }
}

function submitOf(
  platform: Platform,
  caller: Caller,
  { input, retryOf, parties }: Asking,
  plan: Plan,
  idempotency: Submit['idempotency'],
  currency: string,
): Submit {
  const resourceIds = plan.changes.map((change) => change.resourceId ?? newId('resource'))
  const traceparent = currentTraceparent()
  const shownIds = plan.decision.outcome === 'denied' ? plan.changes.map((change) => change.resourceId) : resourceIds
  const { changes, cost, decision, plan: planned } = requestBody(plan, shownIds, currency)
  return {
    id: newId('request'),
    platformRevision: platform.revision,
    principal: caller.principal,
    via: caller.via?.principal ?? null,
    parties: [...new Set([caller.principal, ...caller.parties, ...parties])],
    idempotency,
    reason: input.reason ?? '',
    plan,
    resourceIds,
    body: {
      changes,
      cost,
      decision,
      plan: planned,
      asked: input.changes,
      ...(retryOf === null ? {} : { retryOf }),
      ...(traceparent === null ? {} : { traceparent }),
    } satisfies RequestBody as unknown as JsonObject,
    problem:
      plan.decision.outcome === 'denied' ? { code: 'policy-denied', violations: plan.decision.violations.map((v) => ({ ...v })) } : null,
    actor: actorOf(caller),
  }
}

/** What the answer of `admit` means for the caller; null: another round. */
async function conclude(context: Context, platform: Platform, caller: Caller, submit: Submit, answer: Answer): Promise<Submitted | null> {
  const view = budgetViewOf(platform, caller)
  switch (answer.outcome) {
    case 'admitted':
      if (answer.delivery !== null) context.hints.deliver(answer.delivery)
      return fresh(ok(presentRequest(admittedRecord(caller, submit, answer), view)))
    case 'denied': {
      const facts =
        submit.plan.decision.outcome === 'denied'
          ? { code: 'policy-denied' as const, violations: submit.plan.decision.violations, budgets: answer.short }
          : { code: 'budget-exceeded' as const, budgets: answer.short }
      return fresh(refuse(problemOf(facts, submit.id, view)))
    }
    case 'stale':
      return null
    case 'key-reused':
      return fresh(refuse({ code: 'idempotency-key-reused' }))
    case 'replay': {
      const record = await readRequest(context.database.pool, idFromUuid('request', answer.request), sightOfAll)
      if (record === null) throw new Error(`request ${answer.request} was replayed and is not there`)
      return replay(platform, caller, record, true)
    }
    case 'resource-exists':
    case 'resource-busy':
    case 'object-exists':
      return fresh(refuse(conflictProblem(submit.plan, answer)))
  }
}

/** The stored answer, from what never changes of the request. */
function replay(platform: Platform, caller: Caller, record: RequestRecord, same: boolean): Submitted {
  if (!same) return fresh(refuse({ code: 'idempotency-key-reused' } satisfies Problem))
  const view = budgetViewOf(platform, caller)
  const first = asAdmitted(record)
  return {
    answer: first.problem === null ? ok(presentRequest(first, view)) : refuse(problemOf(first.problem, first.id, view)),
    replayed: true,
  }
}

function admittedRecord(caller: Caller, submit: Submit, answer: Extract<Answer, { outcome: 'admitted' }>): RequestRecord {
  const { plan } = submit
  return {
    id: submit.id,
    state: plan.decision.outcome === 'allowed' ? 'queued' : 'pending_approval',
    team: plan.team,
    environment: plan.environment,
    reason: submit.reason,
    requester: shownActor(caller),
    body: submit.body as unknown as RequestRecord['body'],
    budgets: answer.budgets,
    problem: null,
    approvals: [],
    delivery: null,
    claimed: false,
    hold: null,
    createdAt: answer.at,
    updatedAt: answer.at,
  }
}
