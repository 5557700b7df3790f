import type pg from 'pg'
import { readBranchesWithWork } from '../store/deliveries.ts'
import type { DeliveryHints } from './ports.ts'

/**
 * Compares what should be true with what is: every branch that has work gets a hint, whether or not one was lost (L8).
 * Takes no input, so nothing can be missing from it.
 */
export async function sweepDeliveries(pool: pg.Pool, hints: DeliveryHints): Promise<void> {
  for (const branch of await readBranchesWithWork(pool)) hints.deliver(branch)
}
