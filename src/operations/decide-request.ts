import { parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { findPlaintextSecrets } from '../core/plaintext-secret.ts'
import type { TeamRole } from '../core/plan.ts'
import type { Platform } from '../core/platform.ts'
import { presentRequest } from '../core/present-request.ts'
import type { RequestRecord } from '../core/request-record.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { rolesIn } from '../core/roles.ts'
import { readRequest, readVoters, voteOnRequest, type Voter } from '../store/requests.ts'
import { missingScope } from './authorize.ts'
import { actorOf, budgetViewOf, rolesOfCaller, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import { isOwnerOfAny } from './owners.ts'

const MAX_ROUNDS = 5

/**
 * An approval of one plan digest by somebody whom a requirement names and who had no part in the request. It counts for
 * every requirement that its voter satisfies; once all have theirs, the request is released. The same vote again is the
 * same answer.
 */
export async function approveRequest(
  context: Context,
  caller: Caller,
  id: string,
  input: { readonly planDigest: string; readonly comment?: string },
): Promise<Result<JsonObject>> {
  return decide(context, caller, id, { vote: 'approve', planDigest: input.planDigest, comment: input.comment ?? null })
}

/** A rejection; one is enough. The requester cancels instead. */
export async function rejectRequest(
  context: Context,
  caller: Caller,
  id: string,
  input: { readonly comment: string },
): Promise<Result<JsonObject>> {
  return decide(context, caller, id, { vote: 'reject', planDigest: null, comment: input.comment })
}

type Decision = { readonly vote: 'approve' | 'reject'; readonly planDigest: string | null; readonly comment: string | null }

async function decide(context: Context, caller: Caller, text: string, decision: Decision): Promise<Result<JsonObject>> {
  const id = parseId('request', text)
  if (id === null) return refuse({ code: 'not-found' })
  // Comments are kept for ever, in the log too.
  const secrets = decision.comment === null ? [] : findPlaintextSecrets(decision.comment, '/comment')
  if (secrets.length > 0) return refuse({ code: 'plaintext-secret', errors: secrets })
  let platform = await context.platform()
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (round > 0) platform = await context.reloadPlatform()
    const answer = await decideOnce(context, platform, caller, id, decision)
    if (answer !== null) return answer
  }
  return refuse({
    code: 'unavailable',
    detail: 'The documents of the platform keep changing. Your vote was not counted; vote again.',
    retryAfterS: 1,
  })
}

/** Null: the platform or the votes moved on since they were read. */
async function decideOnce(
  context: Context,
  platform: Platform,
  caller: Caller,
  id: Id<'request'>,
  decision: Decision,
): Promise<Result<JsonObject> | null> {
  const { pool } = context.database
  const sight = sightOf(platform, caller)
  const request = await readRequest(pool, id, sight)
  if (request === null) return refuse({ code: 'not-found' })
  const voters = await readVoters(pool, id, caller.principal, context.groupsTtlMs)
  const operation = decision.vote === 'approve' ? 'approveRequest' : 'rejectRequest'
  const about = { operation, team: request.team, subject: id }
  const scope = missingScope(caller, operation)
  if (scope !== null) return forbid(context, caller, scope, about)
  // Whoever is an owner of an asking account's team by now, too: asking may have begun before.
  if (voters.hadPart || isOwnerOfAny(platform, caller, voters.accountTeams)) return forbid(context, caller, { code: 'own-request' }, about)
  const needs = needsOf(request)
  // Only people vote, whatever role a requirement names.
  const own = caller.kind === 'person' ? satisfiedBy(needs, (team) => rolesOfCaller(platform, caller, team)) : []
  if (own.length === 0) {
    const named = needs.map((need) => `${need.role} in team ${need.team}`)
    if (named.length === 0)
      return refuse({ code: 'wrong-state', state: request.state, detail: `${id} needs no approval; it is ${request.state}.` })
    return forbid(
      context,
      caller,
      { code: 'forbidden', detail: `Deciding on this takes ${named.join(' or ')}.`, needs: `role ${named.join(' or ')}` },
      about,
    )
  }

  const answer = await voteOnRequest(pool, {
    request: id,
    principal: caller.principal,
    actor: actorOf(caller),
    vote: decision.vote,
    comment: decision.comment,
    planDigest: decision.planDigest ?? request.body.plan.digest,
    platformRevision: platform.revision,
    seen: voters.votes,
    onlyTeams: caller.onlyTeams,
    // Judged again for those who voted before: a role that has gone takes its vote with it.
    satisfies: Object.fromEntries([
      ...voters.voters.map((voter) => {
        const satisfied = isOwnerOfAny(platform, voter, voters.accountTeams)
          ? []
          : satisfiedBy(needs, (team) => rolesOfVoter(platform, voter, team))
        return [voter.principal, voter.same ? [...new Set([...satisfied, ...own])] : satisfied] as const
      }),
      ...(voters.voters.some(({ principal }) => principal === caller.principal) ? [] : [[caller.principal, own] as const]),
    ]),
  })
  switch (answer.outcome) {
    case 'stale':
      return null
    case 'own-request':
      return forbid(context, caller, { code: 'own-request' }, about)
    case 'plan-changed':
      return refuse({ code: 'plan-changed', expected: decision.planDigest ?? '', planDigest: answer.planDigest })
    case 'wrong-state':
      return refuse({
        code: 'wrong-state',
        state: answer.state,
        detail: `${id} is ${answer.state}; votes count only while it waits for approval.`,
      })
    case 'same':
      break
    case 'done':
      if (answer.delivery !== null) context.hints.deliver(answer.delivery)
      break
  }
  const now = await readRequest(pool, id, sight)
  return now === null ? refuse({ code: 'not-found' }) : ok(presentRequest(now, budgetViewOf(platform, caller)))
}

type Need = { readonly team: string; readonly role: TeamRole }

function needsOf(request: RequestRecord): readonly Need[] {
  return request.body.decision.approvals.map((need) => need['approvers'] as unknown as Need) // As `requestBody` wrote them.
}

function satisfiedBy(needs: readonly Need[], roles: (team: string) => readonly TeamRole[]): number[] {
  return needs.flatMap((need, ordinal) => (roles(need.team).includes(need.role) ? [ordinal] : []))
}

function rolesOfVoter(platform: Platform, voter: Voter, team: string): readonly TeamRole[] {
  const found = voter.onlyTeams?.includes(team) === false ? undefined : platform.teams.get(team)
  return found === undefined ? [] : rolesIn(found, voter)
}
