import type pg from 'pg'
import { readBranchesToVisit } from '../store/deliveries.ts'
import type { DeliveryHints } from './ports.ts'

/**
 * Compares what should be true with what is: every branch that has work, or was not well when it was looked at
 * last, gets a hint, whether or not one was lost (L8).
 * Takes no input, so nothing can be missing from it.
 */
export async function sweepDeliveries(pool: pg.Pool, hints: DeliveryHints): Promise<void> {
  for (const branch of await readBranchesToVisit(pool)) hints.deliver(branch)
}
