import { idToUuid, parseId } from '../core/ids.ts'
import { buildPlatform, type Platform } from '../core/platform.ts'
import { openAdmission } from '../store/admission.ts'
import type { Database } from '../store/database.ts'
import { readPlatformDocuments, readPlatformRevision } from '../store/documents.ts'
import type { Notices } from '../store/notices.ts'
import { openPlanReads } from '../store/plan-reads.ts'
import type { Context, PlatformRoles } from './context.ts'
import { openEventTail, type EventTail } from './event-tail.ts'
import { openFailedAuthentications } from './failed-authentications.ts'
import { defaultFollowerLimits, openFollowers, type FollowerLimits } from './followers.ts'
import type { Clusters, DeliveryHints, Issuers, TokenSigner } from './ports.ts'

export type ContextParts = {
  readonly database: Database
  readonly notices: Notices
  readonly hints: DeliveryHints
  readonly currency: string
  readonly allowFileRepositories: boolean
  readonly followerLimits?: FollowerLimits
  readonly clusters?: Clusters | null
  readonly issuers?: Issuers | null
  readonly tokenSigner?: TokenSigner | null
  readonly platformRoles?: PlatformRoles
  readonly groupsTtlMs?: number
  pendingMigrations(): Promise<readonly string[]>
  now(): Date
}

const DAY_MS = 24 * 60 * 60 * 1_000

/** The one context of a process: the platform in memory, and who waits for which request. */
export function openContext(parts: ContextParts): Context {
  const { database, notices, hints, currency, allowFileRepositories } = parts
  const cache = openPlatformCache(parts)
  const tail = openEventTail(database.pool, notices)
  return {
    database,
    hints,
    currency,
    allowFileRepositories,
    failedAuthentications: openFailedAuthentications(database, () => parts.now()),
    admission: openAdmission(database.pool),
    planReads: openPlanReads(database.pool),
    platform: cache.platform,
    reloadPlatform: cache.reload,
    requestMoved: openWaiting(notices, tail),
    followers: openFollowers(tail, parts.followerLimits ?? defaultFollowerLimits),
    clusters: parts.clusters ?? null,
    issuers: parts.issuers ?? null,
    tokenSigner: parts.tokenSigner ?? null,
    platformRoles: parts.platformRoles ?? { administrators: [], auditors: [] },
    groupsTtlMs: parts.groupsTtlMs ?? DAY_MS,
    pendingMigrations: () => parts.pendingMigrations(),
    now: () => parts.now(),
  }
}

/**
 * The platform in memory is used as long as the process listens for changes and has heard of none; `admit` compares its
 * revision with the stored one in any case, so the worst that an old platform costs is another round.
 */
function openPlatformCache({ database, notices, allowFileRepositories }: ContextParts): {
  platform(): Promise<Platform>
  reload(): Promise<Platform>
} {
  let known: Platform | null = null
  let heard = 0n
  /** What changed while nobody listened was not heard. */
  let missed = false
  let running: Promise<Platform> | null = null
  let next: Promise<Platform> | null = null
  notices.onPlatform((revision) => {
    if (revision > heard) heard = revision
  })
  notices.onResumed(() => {
    missed = true
  })

  async function load(): Promise<Platform> {
    // Before the read: what is missed from here on must be read once more.
    missed = false
    try {
      return await readNow()
    } catch (error) {
      missed = true
      throw error
    }
  }

  async function readNow(): Promise<Platform> {
    if (known !== null && (await readPlatformRevision(database.pool)) === known.revision) return known
    const { revision, documents, kinds } = await readPlatformDocuments(database.pool)
    known = buildPlatform({ revision, allowFileRepositories, documents, kinds }, known ?? undefined)
    return known
  }

  /** A read that begins after this call; those who call while one is under way share the next. */
  function reload(): Promise<Platform> {
    if (running === null) {
      running = load().finally(() => {
        running = null
      })
      return running
    }
    next ??= running
      .catch(() => null)
      .then(() => {
        next = null
        return reload()
      })
    return next
  }

  return {
    async platform() {
      return known !== null && !missed && notices.connected && known.revision >= heard ? known : reload()
    },
    reload,
  }
}

/** A notice wakes at once; the end of the log is the net below it, for a notice can be lost with its connection. */
function openWaiting(notices: Notices, tail: EventTail): Context['requestMoved'] {
  const waiters = new Map<string, Set<() => void>>()
  notices.onRequest((uuid) => {
    for (const wake of waiters.get(uuid) ?? []) wake()
  })
  return (id, ms, signal) =>
    new Promise((resolve) => {
      const request = parseId('request', id)
      const uuid = request === null ? '' : idToUuid(request)
      const wake = () => {
        clearTimeout(timer)
        unwatch()
        signal.removeEventListener('abort', wake)
        const set = waiters.get(uuid)
        set?.delete(wake)
        if (set?.size === 0) waiters.delete(uuid)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      const unwatch = tail.watch({ subject: id }, wake)
      signal.addEventListener('abort', wake)
      const set = waiters.get(uuid) ?? new Set()
      waiters.set(uuid, set.add(wake))
    })
}
