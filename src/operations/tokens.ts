import { randomBytes } from 'node:crypto'
import { newId, parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Platform } from '../core/platform.ts'
import type { FieldError } from '../core/problem.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { hashToken, makeToken, TOKEN_BYTES } from '../core/token.ts'
import { listTokensOf, mintToken, revokeToken as revokeInStore, type IssuedToken } from '../store/service-accounts.ts'
import { missingPlatformRole, missingRole, missingScope } from './authorize.ts'
import { actorOf, readableTeams, type Caller, type Forbidden } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import { emptyPage, pageOf, parseCursor, type Page, type PageInput } from './page.ts'
import { findServiceAccount } from './service-accounts.ts'
import type { TokenInput } from './token-input.ts'

/** As much of a token as is kept and shown, so that a leaked one can be found in the list. */
const PREFIX_LENGTH = 8

/** A page of a service account's tokens, newest first, to whoever may revoke them, and to auditors. */
export async function listTokens(context: Context, caller: Caller, account: string, page: PageInput): Promise<Result<Page>> {
  const scope = missingScope(caller, 'listTokens')
  if (scope !== null) return refuse(scope)
  const found = await findServiceAccount(context, caller, account)
  if (found === null) return refuse({ code: 'not-found' })
  const forbidden = await missingForTokens(context, caller, found.team)
  if (forbidden !== null) return refuse(forbidden)
  const pages = await listTokensOfAccounts(context, caller, [account], page)
  return pages.ok ? ok(pages.value.get(account) ?? emptyPage) : pages
}

/** Why the caller may not see the tokens of a team's service accounts; null: they may. */
export async function missingForTokens(context: Context, caller: Caller, team: string): Promise<Forbidden | null> {
  return missingRole(await context.platform(), caller, 'listTokens', team)
}

/** The same of many accounts at once; of those whose tokens are not for the caller to see, an empty one. */
export async function listTokensOfAccounts(
  context: Context,
  caller: Caller,
  accounts: readonly string[],
  page: PageInput,
): Promise<Result<ReadonlyMap<string, Page>>> {
  const scope = missingScope(caller, 'listTokens')
  if (scope !== null) return refuse(scope)
  const after = parseCursor(page.after, (position) => parseId('token', position))
  if (!after.ok) return after
  const platform = await context.platform()
  const seen = readableTeams(platform, caller)?.filter((team) => missingRole(platform, caller, 'listTokens', team) === null) ?? null
  const tokens = await listTokensOf(context.database.pool, accounts, seen, { first: page.first + 1, after: after.value })
  return ok(new Map([...tokens].map(([account, list]) => [account, pageOf(list, page.first, presentToken, ({ id }) => id)])))
}

/**
 * Issues a token of a service account. The token itself is in this answer and nowhere else. Whoever has it issued has a part
 * in whatever is asked with it.
 */
export async function createToken(context: Context, caller: Caller, account: string, input: TokenInput): Promise<Result<JsonObject>> {
  const platform = await context.platform()
  const found = await findServiceAccount(context, caller, account)
  const about = { operation: 'createToken', team: found?.team ?? null, subject: account }
  const scope = missingScope(caller, 'createToken')
  if (scope !== null) return forbid(context, caller, scope, about)
  if (found === null) return refuse({ code: 'not-found' })
  const forbidden = missingRole(platform, caller, 'createToken', found.team) ?? missingForBots(caller, input)
  if (forbidden !== null) return forbid(context, caller, forbidden, about)
  const { scopes, expiresIn, impersonateTeams = null, overlap = 0 } = input
  const replaces = input.replaces === undefined ? null : parseId('token', input.replaces)
  const errors = wrongIn(platform, input, replaces)
  if (errors.length > 0) return refuse({ code: 'invalid', errors })

  const token = makeToken(randomBytes(TOKEN_BYTES))
  const issued = { id: newId('token'), prefix: token.slice(0, PREFIX_LENGTH), scopes, impersonateTeams }
  const answer = await mintToken(context.database.pool, {
    ...issued,
    account,
    hash: hashToken(token),
    createdBy: caller.principal,
    expiresIn,
    replaces,
    overlap,
    actor: actorOf(caller),
  })
  switch (answer.outcome) {
    case 'not-found':
      return refuse({ code: 'not-found' })
    case 'no-team':
      return refuse({ code: 'invalid', errors: [{ pointer: '/impersonateTeams', detail: 'names a team that is gone' }] })
    case 'nothing-to-replace':
      return refuse({ code: 'invalid', errors: [nothingToReplace] })
    case 'done': {
      const times = { createdAt: new Date(answer.createdAt), expiresAt: new Date(answer.expiresAt) }
      const unused = { lastUsedAt: null, revokedAt: null, replacedBy: null }
      const shown = presentToken({ ...issued, ...times, ...unused, impersonateTeams: impersonateTeams ?? [], createdBy: caller.subject })
      return ok({ ...shown, token })
    }
  }
}

const nothingToReplace: FieldError = { pointer: '/replaces', detail: 'is no token of this account that could be replaced' }

function missingForBots(caller: Caller, { scopes }: TokenInput): Forbidden | null {
  return scopes.includes('impersonate') ? missingPlatformRole(caller, 'createBotToken') : null
}

function wrongIn(platform: Platform, input: TokenInput, replaces: Id<'token'> | null): readonly FieldError[] {
  const { scopes, impersonateTeams } = input
  const errors: FieldError[] = []
  if (scopes.includes('impersonate') && impersonateTeams === undefined)
    errors.push({ pointer: '/impersonateTeams', detail: 'must name the teams for whose members the token may act, or *' })
  if (!scopes.includes('impersonate') && impersonateTeams !== undefined)
    errors.push({ pointer: '/impersonateTeams', detail: 'takes the scope impersonate' })
  impersonateTeams?.forEach((team, i) => {
    if (team !== '*' && !platform.teams.has(team)) errors.push({ pointer: `/impersonateTeams/${i}`, detail: `there is no team ${team}` })
  })
  if (input.replaces !== undefined && replaces === null) errors.push(nothingToReplace)
  if (input.overlap !== undefined && input.replaces === undefined) errors.push({ pointer: '/overlap', detail: 'takes a token to replace' })
  return errors
}

/** Revokes a token, everywhere within a second; again is the same. */
export async function revokeToken(context: Context, caller: Caller, account: string, token: string): Promise<Result<null>> {
  const found = await findServiceAccount(context, caller, account)
  const about = { operation: 'revokeToken', team: found?.team ?? null, subject: account }
  const scope = missingScope(caller, 'revokeToken')
  if (scope !== null) return forbid(context, caller, scope, about)
  if (found === null) return refuse({ code: 'not-found' })
  const forbidden = missingRole(await context.platform(), caller, 'revokeToken', found.team)
  if (forbidden !== null) return forbid(context, caller, forbidden, about)
  const id = parseId('token', token)
  const revoked = id !== null && (await revokeInStore(context.database.pool, account, id, actorOf(caller)))
  return revoked ? ok(null) : refuse({ code: 'not-found' })
}

function presentToken(token: IssuedToken): JsonObject {
  const time = (date: Date | null) => date?.toISOString() ?? null
  return {
    id: token.id,
    prefix: token.prefix,
    scopes: token.scopes,
    impersonateTeams: token.impersonateTeams,
    createdAt: time(token.createdAt),
    createdBy: token.createdBy,
    expiresAt: time(token.expiresAt),
    lastUsedAt: time(token.lastUsedAt),
    revokedAt: time(token.revokedAt),
    replacedBy: token.replacedBy,
    warnings: warningsOf(token.scopes),
  }
}

/** What somebody should know who looks at these scopes. */
function warningsOf(scopes: readonly string[]): readonly string[] {
  const has = (scope: string) => scopes.includes(scope)
  const idle = [
    ...['platform:write', 'audit:read'].filter(has),
    ...(has('approvals:write') && !has('impersonate') ? ['approvals:write'] : []),
  ].map((scope) => `${scope} does nothing here: a service account is a developer of its own team, and no more.`)
  if (!has('requests:write') || !has('approvals:write') || !has('impersonate')) return idle
  return [...idle, 'It may both ask and approve for people: whoever holds it is trusted with both halves of four eyes.']
}
