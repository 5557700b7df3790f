import { setTimeout as delay } from 'node:timers/promises'
import { openWorker, type QueueConnection, type QueueLog } from './connection.ts'
import { createHints, type HintLine } from './hints.ts'

/** What a worker does. Both are called again after they threw, later. */
export type HintedWork = {
  /** Does what waits under a key. The signal aborts when the worker must stop now. */
  readonly turn: (key: string, signal: AbortSignal) => Promise<'done' | { readonly retryInMs: number }>
  /** Compares what should be true with what is, and hints; runs at start and then every `sweepEveryMs`, never twice at once. */
  readonly sweep: (hint: (key: string) => void) => Promise<void>
  readonly sweepEveryMs: number
}

export interface HintedWorker {
  /** Takes no more jobs, waits for the active ones up to a limit, then aborts them. */
  close(): Promise<void>
}

export type WorkerLimits = {
  /** Keys whose turns one worker takes at the same time. */
  readonly turns: number
  /** How long `close` waits for what runs before it aborts it, and then how long for that to end. */
  readonly closeMs: number
  readonly abortMs: number
}

/** After a fault of a turn, doubled each time: 0.5 s … 30 s, give or take a quarter. */
const BACKOFF = { firstMs: 500, mostMs: 30_000 }

/**
 * Takes hints from the queue and sweeps by its own clock. "Later" is a timer of this process and then a hint like any
 * other: it survives a flushed queue, it never stands in the way of an earlier hint, and if the process dies the sweep of
 * any worker finds what it was about.
 */
export async function startHintedWorker(
  connection: QueueConnection,
  line: HintLine,
  log: QueueLog,
  work: HintedWork,
  limits: WorkerLimits,
): Promise<HintedWorker> {
  const { queue, field } = line
  const hints = createHints(connection, line, log)
  const stop = new AbortController()
  const closing = new AbortController()
  const timers = new Map<string, NodeJS.Timeout>()
  const failures = new Map<string, number>()

  function later(key: string, inMs: number): void {
    clearTimeout(timers.get(key))
    if (closing.signal.aborted) return
    const timer = setTimeout(() => {
      timers.delete(key)
      hints.give(key)
    }, inMs)
    timers.set(key, timer)
  }

  async function take(job: { readonly data: unknown }): Promise<void> {
    const key = readKey(job.data, field)
    if (key === null) return log.warn({ data: job.data, queue }, 'a job that is no hint was dropped')
    try {
      const outcome = await work.turn(key, stop.signal)
      failures.delete(key)
      if (outcome !== 'done') later(key, outcome.retryInMs)
    } catch (error) {
      const count = failures.get(key) ?? 0
      failures.set(key, count + 1)
      const inMs = Math.min(BACKOFF.firstMs * 2 ** count, BACKOFF.mostMs) * (0.75 + Math.random() / 2)
      log.warn({ err: error, queue, [field]: key, retryInMs: Math.round(inMs) }, 'a turn failed and will be tried again')
      later(key, inMs)
    }
  }

  async function sweepOnAndOn(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await work.sweep(hints.give)
      } catch (error) {
        log.warn({ err: error, queue }, 'the sweep failed and will be tried again')
      }
      await delay(work.sweepEveryMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  const worker = await openWorker(connection, line, take, limits.turns, log)
  const sweeping = sweepOnAndOn()

  async function close(): Promise<void> {
    closing.abort()
    for (const timer of timers.values()) clearTimeout(timer)
    const ended = Promise.all([worker.close(), sweeping])
    if (!(await within(ended, limits.closeMs))) {
      stop.abort(new Error('the worker stops'))
      if (!(await within(ended, limits.abortMs))) log.warn({ queue }, 'a turn did not end in time and is left behind')
    }
    await hints.close()
  }

  return { close }
}

function readKey(data: unknown, field: string): string | null {
  const fields: Readonly<Record<string, unknown>> = typeof data === 'object' && data !== null ? { ...data } : {}
  const key = fields[field]
  return typeof key === 'string' ? key : null
}

async function within(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timeUp = new AbortController()
  try {
    return await Promise.race([work.then(() => true), delay(limitMs, false, { signal: timeUp.signal })])
  } finally {
    timeUp.abort()
  }
}
