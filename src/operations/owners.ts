import { isEmail } from '../core/email.ts'
import type { Platform } from '../core/platform.ts'
import { rolesIn } from '../core/roles.ts'
import { knowPeople } from '../store/principals.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'
import { identityMemory } from './identity-memory.ts'

/**
 * The owners of a team as principals: they have a part in what its service accounts ask (L4). Those listed by e-mail, seen
 * before or not, and those who were seen in a group that is listed, however long ago: a role lapses with its group, a part
 * in what was asked does not.
 */
export async function ownersOf(context: Context, team: string): Promise<readonly string[]> {
  const owners = await identityMemory(context).owners.read(team, async () => {
    const found = (await context.platform()).teams.get(team)
    const emails = found === undefined ? [] : ownersIn(found.users).filter(isEmail)
    const groups = found === undefined ? [] : ownersIn(found.groups)
    return emails.length + groups.length === 0 ? [] : knowPeople(context.database.pool, { emails, groups }, EVER_MS)
  })
  return owners ?? []
}

/** A hundred years. */
const EVER_MS = 100 * 365 * 86_400_000

function ownersIn(members: ReadonlyMap<string, string>): string[] {
  return [...members].flatMap(([who, role]) => (role === 'owner' ? [who] : []))
}

/** Whether somebody is an owner of one of the teams now, whatever their credentials are good for. */
export function isOwnerOfAny(platform: Platform, who: Pick<Caller, 'email' | 'groups'>, teams: readonly string[]): boolean {
  return teams.some((name) => {
    const team = platform.teams.get(name)
    return team !== undefined && rolesIn(team, who).includes('owner')
  })
}
