import type { Result } from '../core/result.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'
import { openLapsing, type Lapsing } from './lapsing.ts'
import type { ShortLived } from './ports.ts'
import { openUsedTokens, type UsedTokens } from './used-tokens.ts'

/**
 * What a process knows of credentials, so that a request that comes with known ones asks neither the database nor an
 * issuer. Whatever can be revoked is believed for a second.
 */
export type IdentityMemory = {
  /** By hash: neither a comparison of secrets nor the secret itself stays in memory. */
  readonly tokens: Lapsing<KnownToken>
  readonly signedIn: Lapsing<Result<Caller>>
  readonly shortLived: Lapsing<ShortLived>
  readonly exchanged: Lapsing<Caller>
  /** People that bots ask for, by e-mail. */
  readonly people: Lapsing<{ readonly principal: string; readonly groups: readonly string[] }>
  /** Owners of service accounts' teams, by team. */
  readonly owners: Lapsing<readonly string[]>
  readonly used: UsedTokens
}

export type KnownToken =
  | { readonly kind: 'valid'; readonly caller: Caller; readonly impersonateTeams: readonly string[] }
  | { readonly kind: 'revoked' }

const A_SECOND_MS = 1_000
/** What an issuer has signed holds until it expires; what is kept of it here, a minute. */
const A_MINUTE_MS = 60_000
const MOST = 10_000

const memories = new WeakMap<Context, IdentityMemory>()

export function identityMemory(context: Context): IdentityMemory {
  let memory = memories.get(context)
  if (memory === undefined) {
    memory = {
      tokens: openLapsing(A_SECOND_MS, MOST),
      signedIn: openLapsing(A_MINUTE_MS, MOST),
      shortLived: openLapsing(A_MINUTE_MS, MOST),
      exchanged: openLapsing(A_SECOND_MS, MOST),
      people: openLapsing(A_SECOND_MS, MOST),
      owners: openLapsing(A_SECOND_MS, MOST),
      used: openUsedTokens(context.database.pool),
    }
    memories.set(context, memory)
  }
  return memory
}
