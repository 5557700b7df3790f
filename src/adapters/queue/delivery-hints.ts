import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { DeliveryHints } from '../../operations/ports.ts'
import { openQueue, type JobQueue, type QueueConnection, type QueueLog } from './connection.ts'

const CLOSE_MS = 2_000
/** Between two hints for one branch. Hundreds a second tell a worker nothing more, and each is a transaction of the queue. */
const GAP_MS = 20

/**
 * Hints on the queue. Of one branch at most one is on its way from here and one more is remembered: the remembered one
 * leaves after the other has arrived, so nothing that was stored before `deliver` was called goes without a hint after it.
 */
export function createDeliveryHints(connection: QueueConnection, log: QueueLog): DeliveryHints {
  const underway = new Map<string, { again: boolean; readonly sent: Promise<void> }>()
  let queue: Promise<JobQueue> | null = null
  let closed = false
  let fault: string | null = null

  async function send(branchKey: string): Promise<void> {
    try {
      queue ??= openQueue(connection, log)
      await addHint(await queue, branchKey)
      fault = null
    } catch (error) {
      fault = 'hints do not reach the queue; the sweep finds the work'
      log.warn({ err: error, branch: branchKey }, 'a delivery hint was lost; the sweep will find the work')
      await dropBroken()
    }
  }

  /** A queue that never became ready is tried anew by the next hint. */
  async function dropBroken(): Promise<void> {
    const tried = queue
    const broken = await tried?.then(
      () => false,
      () => true,
    )
    if (broken === true && queue === tried) queue = null
  }

  async function sendAll(branchKey: string, entry: { again: boolean }): Promise<void> {
    do {
      entry.again = false
      await send(branchKey)
      await delay(GAP_MS)
    } while (entry.again)
    underway.delete(branchKey)
  }

  function deliver(branchKey: string): void {
    if (closed) return
    const entry = underway.get(branchKey)
    if (entry !== undefined) {
      entry.again = true
      return
    }
    const fresh = { again: false, sent: Promise.resolve() }
    underway.set(branchKey, fresh)
    fresh.sent = sendAll(branchKey, fresh)
  }

  async function close(): Promise<void> {
    closed = true
    await Promise.race([Promise.all([...underway.values()].map((entry) => entry.sent)), delay(CLOSE_MS, undefined, { ref: false })])
    await queue?.then(
      (opened) => opened.close(),
      () => undefined,
    )
  }

  return {
    deliver,
    close,
    get fault() {
      return fault
    },
  }
}

/**
 * One waiting job a branch; what is added while it is active becomes one more after it. Retries are not the queue's: a
 * job that it keeps for later would swallow the hints that come meanwhile, so every job ends with its first attempt.
 */
function addHint(queue: JobQueue, branchKey: string): Promise<unknown> {
  return queue.add(
    'deliver',
    { branch: branchKey },
    {
      // An own id, because BullMQ on PostgreSQL makes a sequence for automatic ones at run time.
      jobId: `hint-${randomUUID()}`,
      deduplication: { id: `deliver-${branchKey}`, keepLastIfActive: true },
      attempts: 1,
      backoff: 0,
      removeOnComplete: true,
      removeOnFail: true,
    },
  )
}
