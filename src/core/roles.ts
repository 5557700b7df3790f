import type { TeamDocument } from './document/team.ts'
import type { TeamRole } from './plan.ts'

/** Each role may do what those before it may. */
const order = ['viewer', 'developer', 'approver', 'owner'] as const satisfies readonly TeamRole[]

/** Who somebody is, as far as membership asks. An e-mail is a verified one; a service account is its name. */
export type Identity = { readonly email: string | null; readonly groups: readonly string[] }

/** A team's members by what they are known by: users in lower case, groups as the issuer writes them. */
export type Membership = { readonly users: ReadonlyMap<string, TeamRole>; readonly groups: ReadonlyMap<string, TeamRole> }

export function roleAtLeast(have: TeamRole, need: TeamRole): boolean {
  return order.indexOf(have) >= order.indexOf(need)
}

export function membership(team: TeamDocument): Membership {
  const users = new Map<string, TeamRole>()
  const groups = new Map<string, TeamRole>()
  for (const member of team.spec.members ?? []) {
    if ('user' in member) raise(users, member.user.toLowerCase(), member.role)
    else raise(groups, member.group, member.role)
  }
  return { users, groups }
}

function raise(roles: Map<string, TeamRole>, who: string, role: TeamRole): void {
  const before = roles.get(who)
  if (before === undefined || roleAtLeast(role, before)) roles.set(who, role)
}

/**
 * Every role that somebody has in a team, the highest first; the roles that it includes follow, so that
 * `'approver' in requester.roles` holds for an owner. Empty for a stranger.
 */
export function rolesIn({ users, groups }: Membership, who: Identity): readonly TeamRole[] {
  const own = who.email === null ? undefined : users.get(who.email.toLowerCase())
  let highest = own === undefined ? -1 : order.indexOf(own)
  for (const group of who.groups) {
    const role = groups.get(group)
    if (role !== undefined) highest = Math.max(highest, order.indexOf(role))
  }
  return order.slice(0, highest + 1).reverse()
}
