import { permissions, type PlatformRole, type Scope } from '../core/permissions.ts'
import type { TeamRole } from '../core/plan.ts'
import { teamsOf, type Platform } from '../core/platform.ts'
import type { Problem } from '../core/problem.ts'
import type { Actor, BudgetView } from '../core/request-record.ts'
import { sightOfAll, type Sight } from '../store/requests.ts'

export { scopes, type Scope } from '../core/permissions.ts'

/** Who asks, after authentication: what the credentials say, and nothing that a document says. */
export type Caller = {
  /** UUID of the principal. */
  readonly principal: string
  readonly subject: string
  readonly kind: 'person' | 'service-account'
  /** Verified, in lower case: what Team documents list. Null for service accounts. */
  readonly email: string | null
  readonly groups: readonly string[]
  readonly scopes: ReadonlySet<Scope>
  readonly administrator: boolean
  /** Reads everything that an administrator reads, and writes nothing by it. */
  readonly auditor: boolean
  /** A service account's own team, where it acts as developer; null for people. */
  readonly team: string | null
  /** Null: all. A bot's token is good for these teams only; the person's roles elsewhere do not count. */
  readonly onlyTeams: readonly string[] | null
  /** The bot that asks on behalf. */
  readonly via: { readonly principal: string; readonly subject: string } | null
  /**
   * Principals besides the caller and `via` who have a part in whatever it asks (L4): who minted the token, who made the
   * service account, the owners of its team, the authors of the trust rule that let it in.
   */
  readonly parties: readonly string[]
  /** What it showed, for traces. */
  readonly credential: Credential
}

export type Credential = {
  readonly kind: 'oidc' | 'api-token' | 'purser-token'
  /** `tok_…`, or `trust/<name>` of an exchanged token; null for a token of an issuer. */
  readonly id: string | null
  /** Null: until it is revoked. */
  readonly expiresAt: Date | null
}

/** Who acts, as people are shown it. */
export function shownActor(caller: Caller): Actor {
  return { subject: caller.subject, kind: caller.kind, via: caller.via?.subject ?? null }
}

/** Who acts, for the log, with the credential that was shown: the store moves that into the event's data. */
export function actorOf(caller: Caller): Actor & { readonly credential?: string } {
  const { id } = caller.credential
  return { ...shownActor(caller), ...(id === null ? {} : { credential: id }) }
}

/** A team in which the caller has roles: all of them, the highest first. */
export type CallerTeam = { readonly name: string; readonly roles: readonly TeamRole[] }

/** Membership is asked for several times a request and changes only with the platform. */
const known = new WeakMap<Platform, Map<string, Standing>>()
const MAX_KNOWN = 10_000

type Standing = {
  readonly teams: readonly CallerTeam[]
  readonly roles: ReadonlyMap<string, readonly TeamRole[]>
  readonly names: ReadonlySet<string>
  readonly sight: Sight
}

function standingOf(platform: Platform, caller: Caller): Standing {
  let byCaller = known.get(platform)
  if (byCaller === undefined) known.set(platform, (byCaller = new Map()))
  const key = standingKey(caller)
  let standing = byCaller.get(key)
  if (standing === undefined) {
    const teams = teamsWithRoles(platform, caller)
    const names = teams.map((t) => t.name)
    // Only people approve.
    const approves = (caller.team === null ? teams : []).flatMap(({ name, roles }) => roles.map((role) => ({ team: name, role })))
    standing = {
      teams,
      roles: new Map(teams.map((t) => [t.name, t.roles])),
      names: new Set(names),
      sight: { all: false, teams: names, approves },
    }
    if (byCaller.size >= MAX_KNOWN) byCaller.clear()
    byCaller.set(key, standing)
  }
  return standing
}

/** What membership depends on, and nothing else. No e-mail looks like JSON. */
function standingKey({ email, groups, team, onlyTeams }: Caller): string {
  return groups.length === 0 && team === null && onlyTeams === null ? (email ?? '') : JSON.stringify([email, groups, team, onlyTeams])
}

function teamsWithRoles(platform: Platform, caller: Caller): readonly CallerTeam[] {
  const { team, onlyTeams } = caller
  if (team !== null) return platform.teams.has(team) ? [{ name: team, roles: ['developer', 'viewer'] }] : []
  const teams = teamsOf(platform, caller)
  return onlyTeams === null ? teams : teams.filter(({ name }) => onlyTeams.includes(name))
}

export function teamsOfCaller(platform: Platform, caller: Caller): readonly CallerTeam[] {
  return standingOf(platform, caller).teams
}

/** The caller's roles in a team, the highest first; empty for a stranger. */
export function rolesOfCaller(platform: Platform, caller: Caller, team: string): readonly TeamRole[] {
  return standingOf(platform, caller).roles.get(team) ?? []
}

/** Whether the caller has one of these roles in the platform. */
export function hasPlatformRole(caller: Caller, roles: readonly PlatformRole[]): boolean {
  return roles.some((role) => caller[role])
}

/** Whether the caller reads whatever there is, of every team and of none. */
export function readsAll(caller: Caller): boolean {
  return hasPlatformRole(caller, permissions.readResource.who.platform)
}

/** What the caller may read of requests: their teams', what they may approve, or everything. */
export function sightOf(platform: Platform, caller: Caller): Sight {
  return readsAll(caller) ? sightOfAll : standingOf(platform, caller).sight
}

/** The teams whose resources, budgets and events the caller may read; null: all. */
export function readableTeams(platform: Platform, caller: Caller): readonly string[] | null {
  return readsAll(caller) ? null : standingOf(platform, caller).sight.teams
}

export function budgetViewOf(platform: Platform, caller: Caller): BudgetView {
  return { all: readsAll(caller), teams: standingOf(platform, caller).names }
}

export type Forbidden = Extract<Problem, { code: 'forbidden' }>
