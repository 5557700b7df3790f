import type { QueueConnection, QueueLog } from './connection.ts'
import { startHintedWorker, type HintedWork, type HintedWorker, type WorkerLimits } from './hinted-worker.ts'
import type { HintLine } from './hints.ts'

/** Nobody's money waits for a notice: a lease that is renewed seldom, since each renewal is a statement. */
const noticeLine: HintLine = { queue: 'notices', job: 'notify', field: 'team', lease: { lockDuration: 15_000, stalledInterval: 10_000 } }

/** Hooks that one worker posts to at the same time: one that does not answer holds its place for ten seconds. */
const LIMITS: WorkerLimits = { turns: 8, closeMs: 2_000, abortMs: 2_000 }

/** Posts to the hooks of the teams that are hinted at, and sweeps for the others. */
export function startNoticeWorker(
  connection: QueueConnection,
  log: QueueLog,
  work: HintedWork,
  limits: WorkerLimits = LIMITS,
): Promise<HintedWorker> {
  return startHintedWorker(connection, noticeLine, log, work, limits)
}
