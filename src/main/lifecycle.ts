import type { Log } from './log.ts'

/**
 * From start to end of a process. What is started says how it is stopped; stopping goes backwards, one phase at a time,
 * each with a limit, so that requests are drained while the worker can still commit, and the database goes last. The same
 * happens when the start fails half-way.
 */
export type Lifecycle = {
  /** Registers how to stop what was just started. Throws when the process is stopping already: a start goes no further then. */
  onStop(phase: string, limitMs: number, stop: () => Promise<unknown>): void
  /** Aborted from the stop signal on: `/readyz` is 503 then. */
  readonly stopping: AbortSignal
  /** Nothing is stopped before this has settled: what it is about to start has still to be registered. */
  starting(start: Promise<unknown>): void
  /** Stops as a signal does: the work is done, with this exit code (0). */
  stop(code?: number): void
  /** Something that this process cannot be without is gone: stop, and exit with 1. */
  fail(message: string, error: unknown): void
  /** Resolves with the exit code when everything is stopped. */
  readonly finished: Promise<number>
}

/**
 * A signal that comes again within this time is the same one: Ctrl-C under `npm start` reaches us from the terminal and
 * once more from npm, which passes it on.
 */
const SAME_SIGNAL_MS = 1_000

/** How long a start may go on after the stop signal until it notices. */
const START_LIMIT_MS = 20_000

type Phase = { readonly name: string; readonly limitMs: number; readonly stop: () => Promise<unknown> }

export function createLifecycle(
  log: Log,
  signals: NodeJS.EventEmitter = process,
  exitNow: (code: number) => void = (code) => process.exit(code),
): Lifecycle {
  const phases: Phase[] = []
  const stopping = new AbortController()
  let exitCode = 0
  let stoppedAt = 0
  let started: Promise<unknown> = Promise.resolve()
  let finish: (code: number) => void = () => undefined
  const finished = new Promise<number>((resolve) => (finish = resolve))

  function stop(code = exitCode): void {
    if (stopping.signal.aborted) return
    exitCode = code
    stoppedAt = performance.now()
    stopping.abort()
    phases.push({ name: 'start', limitMs: START_LIMIT_MS, stop: () => started })
    void stopPhases(phases, log).then((clean) => finish(clean ? exitCode : Math.max(exitCode, 1)))
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (!stopping.signal.aborted) {
      log.info({ signal }, 'stopping; once more to stop at once')
      stop()
    } else if (performance.now() - stoppedAt > SAME_SIGNAL_MS) {
      log.warn({ signal }, 'stopped at once')
      exitNow(130)
    }
  }
  signals.on('SIGINT', onSignal)
  signals.on('SIGTERM', onSignal)

  return {
    onStop(name, limitMs, stopIt) {
      phases.push({ name, limitMs, stop: stopIt })
      stopping.signal.throwIfAborted()
    },
    starting(start) {
      started = start.catch(() => undefined)
    },
    stopping: stopping.signal,
    stop,
    fail(message, error) {
      if (stopping.signal.aborted) return
      log.fatal({ err: error }, message)
      exitCode = 1
      stop()
    },
    finished,
  }
}

/** Whether every phase ended by itself and in time. A failed one does not keep the others from their turn. */
async function stopPhases(phases: Phase[], log: Log): Promise<boolean> {
  let clean = true
  for (let phase = phases.pop(); phase !== undefined; phase = phases.pop()) {
    const { name, limitMs } = phase
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, limitMs, 'late')))
    try {
      if ((await Promise.race([phase.stop(), limit])) === 'late') {
        clean = false
        log.warn({ phase: name, limitMs }, 'a phase of stopping took too long and was left')
      }
    } catch (err) {
      clean = false
      log.error({ phase: name, err }, 'a phase of stopping failed')
    } finally {
      clearTimeout(timer)
    }
  }
  return clean
}
