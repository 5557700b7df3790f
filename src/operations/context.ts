import type { Platform } from '../core/platform.ts'
import type { Admission } from '../store/admission.ts'
import type { Database } from '../store/database.ts'
import type { PlanReads } from '../store/plan-reads.ts'
import type { FailedAuthentications } from './failed-authentications.ts'
import type { Followers } from './followers.ts'
import type { Clusters, DeliveryHints, Issuers, TokenSigner } from './ports.ts'

/** What every operation works with. Made once by `main`, and by tests. */
export type Context = {
  readonly database: Database
  readonly admission: Admission
  readonly planReads: PlanReads
  /** The platform as it is in force, from memory where it is known to be current. */
  platform(): Promise<Platform>
  /** Reads the platform anew: after `admit` said that it moved on. */
  reloadPlatform(): Promise<Platform>
  /** Resolves when a request may have moved, or after `ms`. */
  requestMoved(id: string, ms: number, signal: AbortSignal): Promise<void>
  /** Who follows events in this process. */
  readonly followers: Followers
  readonly hints: DeliveryHints
  /** Null: no cluster is read. */
  readonly clusters: Clusters | null
  /** Credentials that were not taken, on their way to the log. */
  readonly failedAuthentications: FailedAuthentications
  /** Migrations of this version that the database lacks. */
  pendingMigrations(): Promise<readonly string[]>
  readonly currency: string
  readonly allowFileRepositories: boolean
  /** Null: nobody signs in but with tokens of Purser's own. */
  readonly issuers: Issuers | null
  /** Null: there is no key, so no short-lived tokens. */
  readonly tokenSigner: TokenSigner | null
  readonly platformRoles: PlatformRoles
  /** As long as the groups that a person was last seen with count where they do not show a token themselves. */
  readonly groupsTtlMs: number
  /** What time it is for policy (`now`). */
  now(): Date
}

/** Who has a role in the platform: e-mails, or `group:name`. */
export type PlatformRoles = { readonly administrators: readonly string[]; readonly auditors: readonly string[] }
