import type { Platform } from '../core/platform.ts'
import type { Admission } from '../store/admission.ts'
import type { Database } from '../store/database.ts'
import type { PlanReads } from '../store/plan-reads.ts'
import type { Followers } from './followers.ts'
import type { DeliveryHints } from './ports.ts'

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
  /** Migrations of this version that the database lacks. */
  pendingMigrations(): Promise<readonly string[]>
  readonly currency: string
  readonly allowFileRepositories: boolean
  /** What time it is for policy (`now`). */
  now(): Date
}
