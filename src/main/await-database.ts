import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { Fault } from '../core/fault.ts'
import { missingMigrations } from '../store/migrate.ts'
import type { Log } from './log.ts'
import { migrationsDirectory } from './start-database.ts'

const EVERY_MS = 1_000

/**
 * Resolves when the database answers and is of this version. Somebody else migrates it, so until then this waits, and says
 * once for each reason what for; a database that is newer than this program is nothing to wait for, and ends it.
 * @throws MigrationRefused
 */
export async function awaitDatabase(pool: pg.Pool, log: Log, stopping: AbortSignal): Promise<void> {
  let said: string | null = null
  for (;;) {
    const reason = await whyNot(pool)
    if (reason === null) return
    if (reason !== said) {
      log.warn({ reason }, 'waiting for the database')
      process.stdout.write(`purser waits: ${reason}\n`)
      said = reason
    }
    await delay(EVERY_MS, undefined, { signal: stopping })
  }
}

/** Null: nothing is in the way. */
async function whyNot(pool: pg.Pool): Promise<string | null> {
  try {
    const [first, ...others] = await missingMigrations(pool, migrationsDirectory())
    if (first === undefined) return null
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    return `the database lacks migration ${first}${more}; \`purser migrate\` applies them, as its owner (DATABASE_MIGRATE_URL)`
  } catch (error) {
    if (error instanceof Fault && error.kind !== 'stop') return error.detail
    throw error
  }
}
