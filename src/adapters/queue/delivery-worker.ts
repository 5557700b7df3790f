import type { DeliveryWork, DeliveryWorker } from '../../operations/ports.ts'
import type { QueueConnection, QueueLog } from './connection.ts'
import { deliveryLine } from './delivery-hints.ts'
import { startHintedWorker } from './hinted-worker.ts'

export type DeliveryLimits = {
  /** Branches that one worker delivers at the same time. */
  readonly branches: number
  /** How long `close` waits for what runs before it aborts it, and then how long for that to end. */
  readonly closeMs: number
  readonly abortMs: number
}

const LIMITS: DeliveryLimits = { branches: 4, closeMs: 10_000, abortMs: 5_000 }

/** Delivers the branches that are hinted at, and sweeps for the others. */
export function startDeliveryWorker(
  connection: QueueConnection,
  log: QueueLog,
  { deliver, sweep, sweepEveryMs }: DeliveryWork,
  { branches, closeMs, abortMs }: DeliveryLimits = LIMITS,
): Promise<DeliveryWorker> {
  return startHintedWorker(connection, deliveryLine, log, { turn: deliver, sweep, sweepEveryMs }, { turns: branches, closeMs, abortMs })
}
