import { countEvents, lastEventPosition, readGauges, type Gauges } from '../store/gauges.ts'
import type { EventPosition } from '../store/events.ts'
import type { Context } from './context.ts'

/** Who asks more often gets what is known: it is open to everybody who can reach it, and must cost the database nothing. */
const FRESH_MS = 5_000
/** Prometheus waits 10 s by default; a database that is away must not keep it from hearing so. */
const PATIENCE_MS = 2_000

export type GaugeReader = {
  /** Reads what is older than 5 s anew. Null: the database is away, or slow. */
  read(): Promise<Gauges | null>
  /** What happened since the last call. */
  takeEvents(): ReadonlyMap<string, number>
}

/** Reads for /metrics: one at a time, however many ask. The limits are parameters for the tests. */
export function openGauges(context: Pick<Context, 'database'>, freshMs = FRESH_MS, patienceMs = PATIENCE_MS): GaugeReader {
  let position: EventPosition | null = null
  let events = new Map<string, number>()
  let known: { readonly gauges: Gauges | null; readonly at: number } | null = null
  let running: Promise<Gauges | null> | null = null

  async function refresh(): Promise<Gauges | null> {
    let gauges: Gauges | null = null
    try {
      const { pool } = context.database
      gauges = await readGauges(pool)
      if (position === null) position = await lastEventPosition(pool)
      else {
        const fresh = await countEvents(pool, position)
        position = fresh.position
        for (const [type, count] of fresh.counts) events.set(type, (events.get(type) ?? 0) + count)
      }
    } catch {
      // That it is away is what /metrics says then; why, the log and /readyz do.
      gauges = null
    }
    known = { gauges, at: performance.now() }
    running = null
    return gauges
  }

  return {
    async read() {
      if (known !== null && performance.now() - known.at < freshMs) return known.gauges
      running ??= refresh()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, patienceMs, null)))
      try {
        return await Promise.race([running, late])
      } finally {
        clearTimeout(timer)
      }
    },
    takeEvents() {
      const taken = events
      events = new Map()
      return taken
    },
  }
}
