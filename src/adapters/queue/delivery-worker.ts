import { setTimeout as delay } from 'node:timers/promises'
import type { DeliveryWork, DeliveryWorker } from '../../operations/ports.ts'
import { openWorker, type DeliveryJob, type QueueConnection, type QueueLog } from './connection.ts'
import { createDeliveryHints } from './delivery-hints.ts'

export type WorkerLimits = {
  /** Branches that one worker delivers at the same time. */
  readonly branches: number
  /** How long `close` waits for what runs before it aborts it, and then how long for that to end. */
  readonly closeMs: number
  readonly abortMs: number
}

const LIMITS: WorkerLimits = { branches: 4, closeMs: 10_000, abortMs: 5_000 }

/** After a fault of `deliver`, doubled each time: 0.5 s … 30 s, give or take a quarter. */
const BACKOFF = { firstMs: 500, mostMs: 30_000 }

/**
 * Takes hints from the queue and sweeps by its own clock. "Later" is a timer of this process and then a hint like any
 * other: it survives a flushed queue, it never stands in the way of an earlier hint, and if the process dies the sweep of
 * any worker finds what it was about.
 */
export async function startDeliveryWorker(
  connection: QueueConnection,
  log: QueueLog,
  work: DeliveryWork,
  limits: WorkerLimits = LIMITS,
): Promise<DeliveryWorker> {
  const hints = createDeliveryHints(connection, log)
  const stop = new AbortController()
  const closing = new AbortController()
  const timers = new Map<string, NodeJS.Timeout>()
  const failures = new Map<string, number>()

  function later(branch: string, inMs: number): void {
    clearTimeout(timers.get(branch))
    if (closing.signal.aborted) return
    const timer = setTimeout(() => {
      timers.delete(branch)
      hints.deliver(branch)
    }, inMs)
    timers.set(branch, timer)
  }

  async function deliver(job: { readonly data: unknown }): Promise<void> {
    const branch = readBranch(job.data)
    if (branch === null) return log.warn({ data: job.data }, 'a job that is no hint was dropped')
    try {
      const outcome = await work.deliver(branch, stop.signal)
      failures.delete(branch)
      if (outcome !== 'done') later(branch, outcome.retryInMs)
    } catch (error) {
      const count = failures.get(branch) ?? 0
      failures.set(branch, count + 1)
      const inMs = Math.min(BACKOFF.firstMs * 2 ** count, BACKOFF.mostMs) * (0.75 + Math.random() / 2)
      log.warn({ err: error, branch, retryInMs: Math.round(inMs) }, 'a delivery failed and will be tried again')
      later(branch, inMs)
    }
  }

  async function sweepOnAndOn(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await work.sweep()
      } catch (error) {
        log.warn({ err: error }, 'the sweep failed and will be tried again')
      }
      await delay(work.sweepEveryMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  const worker = await openWorker(connection, deliver, limits.branches, log)
  const sweeping = sweepOnAndOn()

  async function close(): Promise<void> {
    closing.abort()
    for (const timer of timers.values()) clearTimeout(timer)
    const ended = Promise.all([worker.close(), sweeping])
    if (!(await within(ended, limits.closeMs))) {
      stop.abort(new Error('the worker stops'))
      if (!(await within(ended, limits.abortMs))) log.warn({}, 'a delivery did not end in time and is left behind')
    }
    await hints.close()
  }

  return { close }
}

function readBranch(data: unknown): DeliveryJob['branch'] | null {
  if (typeof data !== 'object' || data === null || !('branch' in data)) return null
  return typeof data.branch === 'string' ? data.branch : null
}

async function within(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timeUp = new AbortController()
  try {
    return await Promise.race([work.then(() => true), delay(limitMs, false, { signal: timeUp.signal })])
  } finally {
    timeUp.abort()
  }
}
