import { createDeliveryHints } from '../adapters/queue/delivery-hints.ts'
import { measureDeliveries, measureNotices, processMetrics } from '../faces/http/metrics.ts'
import { buildWorkerApp } from '../faces/http/worker-app.ts'
import type { Watched } from '../operations/readiness.ts'
import { openDatabase } from '../store/database.ts'
import { pendingMigrations } from '../store/migrate.ts'
import { awaitDatabase } from './await-database.ts'
import { listen } from './listen.ts'
import { readFlags, runServer, type Process } from './run.ts'
import { migrateDatabase, migrationsDirectory, startDatabase } from './start-database.ts'
import { keepEmbeddedRepository, queueOf, startWorker } from './start-worker.ts'

/** `purser work`: delivers what is released. */
export async function work(args: readonly string[]): Promise<number> {
  if (readFlags('work', args, []) === null) return 2
  return runServer('work', async (process_) => {
    const { config, log, lifecycle } = process_
    await keepEmbeddedRepository(config)
    const urls = await startDatabase(config, log, lifecycle)
    // Nobody else can: the embedded database is this process's.
    if (urls.embedded) await migrateDatabase(urls, log)
    const database = openDatabase({
      url: urls.appUrl,
      poolSize: config.poolSize,
      onIdleError: (err) => log.warn({ err }, 'an idle database connection was lost'),
    })
    lifecycle.onStop('database connections', 5_000, () => database.close())
    const hints = createDeliveryHints(queueOf(config, urls), log)
    lifecycle.onStop('hints', 3_000, () => hints.close())
    const metrics = processMetrics()
    const measured = { turn: measureDeliveries(metrics), notice: measureNotices(metrics) }
    const watched = { database, hints, pendingMigrations: () => pendingMigrations(database.pool, migrationsDirectory()) }
    // Before the database is waited for: that it waits is what the probes are to see.
    if (config.workPort !== null) await answerProbes(process_, config.workPort, metrics, watched)
    await awaitDatabase(database.pool, log, lifecycle.stopping)
    await startWorker(process_, urls, database, hints, measured)
    process.stdout.write('purser is working\n')
  })
}

async function answerProbes(
  { config, log, lifecycle }: Process,
  port: number,
  metrics: ReturnType<typeof processMetrics>,
  watched: Watched,
): Promise<void> {
  const app = await buildWorkerApp({ watched, log, metrics, stopping: lifecycle.stopping })
  lifecycle.onStop('probes', 2_000, () => app.close())
  const address = await listen(app, config, { variable: 'PURSER_WORK_PORT', port })
  process.stdout.write(`purser answers probes on ${address}\n`)
}
