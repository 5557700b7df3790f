import type { JsonObject } from '../core/json.ts'
import type { Database } from '../store/database.ts'
import { recordRefusedAccess } from '../store/events.ts'

/**
 * Credentials that were not taken, for the log (L9): one event a minute at most and in each process, however many there
 * were, so that a flood cannot fill it. It says how many, of which looks, and from how many addresses; not which.
 */
export type FailedAuthentications = {
  note(reason: string, address: string): void
  /** Writes what is not written yet: every minute by itself, and when the process stops. */
  flush(): Promise<void>
}

const MINUTE_MS = 60_000
/** Addresses that are told apart. */
const MAX_ADDRESSES = 10_000

const anonymous = { subject: 'anonymous', kind: 'system', via: null } as const

type Minute = { readonly since: Date; count: number; readonly addresses: Set<string>; readonly reasons: Map<string, number> }

export function openFailedAuthentications({ pool }: Pick<Database, 'pool'>, now: () => Date): FailedAuthentications {
  let minute: Minute | null = null
  let timer: NodeJS.Timeout | undefined

  function begin(): Minute {
    timer = setTimeout(() => void flush().catch(() => undefined), MINUTE_MS).unref()
    return { since: now(), count: 0, addresses: new Set(), reasons: new Map() }
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    const written = minute
    if (written === null) return
    minute = null
    const { since, count, addresses, reasons } = written
    const data: JsonObject = {
      code: 'unauthenticated',
      count,
      since: since.toISOString(),
      addresses: addresses.size,
      reasons: Object.fromEntries(reasons),
    }
    try {
      await recordRefusedAccess(pool, { actor: anonymous, team: null, subject: 'authentication', data })
    } catch (error) {
      // They are told with the next.
      minute = minute === null ? again(written) : joined(written, minute)
      throw error
    }
  }

  function again(written: Minute): Minute {
    return { ...begin(), ...written }
  }

  return {
    note(reason, address) {
      minute ??= begin()
      minute.count++
      minute.reasons.set(reason, (minute.reasons.get(reason) ?? 0) + 1)
      if (minute.addresses.size < MAX_ADDRESSES) minute.addresses.add(address)
    },
    flush,
  }
}

function joined(before: Minute, after: Minute): Minute {
  for (const [reason, count] of after.reasons) before.reasons.set(reason, (before.reasons.get(reason) ?? 0) + count)
  for (const address of after.addresses) if (before.addresses.size < MAX_ADDRESSES) before.addresses.add(address)
  before.count += after.count
  return before
}
