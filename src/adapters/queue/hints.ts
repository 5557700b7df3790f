import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openQueue, type JobQueue, type QueueConnection, type QueueLine, type QueueLog } from './connection.ts'

/** A queue of hints. `field` is what a job calls the key that it has: one way of saying so for every version. */
export type HintLine = QueueLine & { readonly job: string; readonly field: string }

export interface Hints {
  /** Returns at once, never throws; hints for one key are coalesced. */
  give(key: string): void
  /** Why the last hint did not reach the queue; null: it did. */
  readonly fault: string | null
  close(): Promise<void>
}

const CLOSE_MS = 2_000
/** Between two hints for one key. Hundreds a second tell a worker nothing more, and each is a transaction of the queue. */
const GAP_MS = 20

/**
 * Hints on a queue. Of one key at most one is on its way from here and one more is remembered: the remembered one
 * leaves after the other has arrived, so nothing that was stored before `give` was called goes without a hint after it.
 */
export function createHints(connection: QueueConnection, line: HintLine, log: QueueLog): Hints {
  const underway = new Map<string, { again: boolean; readonly sent: Promise<void> }>()
  let queue: Promise<JobQueue> | null = null
  let closed = false
  let fault: string | null = null

  async function send(key: string): Promise<void> {
    try {
      queue ??= openQueue(connection, line, log)
      await addHint(await queue, line, key)
      fault = null
    } catch (error) {
      fault = 'hints do not reach the queue; the sweep finds the work'
      log.warn({ err: error, queue: line.queue, [line.field]: key }, 'a hint was lost; the sweep will find the work')
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

  async function sendAll(key: string, entry: { again: boolean }): Promise<void> {
    do {
      entry.again = false
      await send(key)
      await delay(GAP_MS)
    } while (entry.again)
    underway.delete(key)
  }

  function give(key: string): void {
    if (closed) return
    const entry = underway.get(key)
    if (entry !== undefined) {
      entry.again = true
      return
    }
    const fresh = { again: false, sent: Promise.resolve() }
    underway.set(key, fresh)
    fresh.sent = sendAll(key, fresh)
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
    give,
    close,
    get fault() {
      return fault
    },
  }
}

/**
 * One waiting job a key; what is added while it is active becomes one more after it. Retries are not the queue's: a
 * job that it keeps for later would swallow the hints that come meanwhile, so every job ends with its first attempt.
 */
function addHint(queue: JobQueue, { job, field }: HintLine, key: string): Promise<unknown> {
  return queue.add(
    job,
    { [field]: key },
    {
      // An own id, because BullMQ on PostgreSQL makes a sequence for automatic ones at run time.
      jobId: `hint-${randomUUID()}`,
      deduplication: { id: `${job}-${key}`, keepLastIfActive: true },
      attempts: 1,
      backoff: 0,
      removeOnComplete: true,
      removeOnFail: true,
    },
  )
}
