import type { DeliveryHints } from '../../operations/ports.ts'
import type { QueueConnection, QueueLog } from './connection.ts'
import { createHints, type HintLine } from './hints.ts'

/**
 * A worker that died holds its jobs until the lease is over; short, because hints for the same branch wait behind them. What
 * is gone too soon costs nothing: one writer a branch is the branch lock's business.
 */
export const deliveryLine: HintLine = {
  queue: 'delivery',
  job: 'deliver',
  field: 'branch',
  lease: { lockDuration: 1_500, stalledInterval: 500 },
}

/** Tells workers that a branch has something to deliver. */
export function createDeliveryHints(connection: QueueConnection, log: QueueLog): DeliveryHints {
  const hints = createHints(connection, deliveryLine, log)
  return {
    deliver: (branch) => hints.give(branch),
    close: () => hints.close(),
    get fault() {
      return hints.fault
    },
  }
}
