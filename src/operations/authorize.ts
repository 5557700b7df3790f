import { permissions, permissionOf, type Operation, type Permission, type Scope } from '../core/permissions.ts'
import type { Platform } from '../core/platform.ts'
import { roleAtLeast } from '../core/roles.ts'
import { hasPlatformRole, rolesOfCaller, type Caller, type Forbidden } from './caller.ts'

type OfKind<K> = { [O in Operation]: (typeof permissions)[O]['who'] extends { readonly kind: K } ? O : never }[Operation]
/** What takes a role in the team that it is about. */
export type TeamOperation = OfKind<'member'>
/** What takes a role in the platform. */
export type PlatformOperation = OfKind<'platform'>

/** Why the credentials do not suffice for an operation, whoever holds them; null: they do. */
export function missingScope(caller: Caller, operation: Operation): Forbidden | null {
  const scope: Scope | null = permissions[operation].scope
  if (scope === null || caller.scopes.has(scope)) return null
  return { code: 'forbidden', detail: `These credentials do not have the scope ${scope}.`, needs: `scope ${scope}` }
}

/** Why the caller may not do this in a team; null: they may. */
export function missingRole(platform: Platform, caller: Caller, operation: TeamOperation, team: string): Forbidden | null {
  return missing(platform, caller, operation, team)
}

/** Why the caller may not do this to the platform; null: they may. */
export function missingPlatformRole(caller: Caller, operation: PlatformOperation): Forbidden | null {
  return missingScope(caller, operation) ?? withoutPlatformRole(caller, permissions[operation])
}

/** Why the caller may not do this, of which a team may be a part; null: they may, as far as its row says. */
export function missing(platform: Platform, caller: Caller, operation: Operation, team: string): Forbidden | null {
  const scope = missingScope(caller, operation)
  if (scope !== null) return scope
  const permission = permissionOf(operation)
  const { who } = permission
  switch (who.kind) {
    case 'anyone':
      return null
    case 'platform':
      return withoutPlatformRole(caller, permission)
    case 'named':
    case 'member': {
      if (who.kind === 'member' && hasPlatformRole(caller, who.platform)) return null
      const [role] = rolesOfCaller(platform, caller, team)
      if (role !== undefined && roleAtLeast(role, who.role)) return null
      const have = role === undefined ? 'You have no role' : `You are ${role}`
      return {
        code: 'forbidden',
        detail: `${have} in team ${team}; to ${asOwn(permission.does)} takes the role ${who.role}${or(who)}.`,
        needs: `role ${who.role} in team ${team}`,
      }
    }
  }
}

function withoutPlatformRole(caller: Caller, { does, who }: Permission): Forbidden | null {
  if (who.kind !== 'platform' || hasPlatformRole(caller, who.platform)) return null
  const roles = who.platform.join(' or ')
  return { code: 'forbidden', detail: `Only a platform ${roles} may ${does}.`, needs: `platform role ${roles}` }
}

function or(who: Extract<Permission['who'], { kind: 'named' | 'member' }>): string {
  return who.kind === 'member' && who.platform.length > 0 ? `, or a platform ${who.platform.join(' or ')}` : ''
}

/** Rows speak of anybody; a refusal speaks to somebody. */
function asOwn(does: string): string {
  return does.replace('of their own', 'of your own')
}
