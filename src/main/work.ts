import { createDeliveryHints } from '../adapters/queue/delivery-hints.ts'
import { openDatabase } from '../store/database.ts'
import { readFlags, runServer } from './run.ts'
import { startDatabase } from './start-database.ts'
import { keepEmbeddedRepository, queueOf, startWorker } from './start-worker.ts'

/** `purser work`: delivers what is released. */
export async function work(args: readonly string[]): Promise<number> {
  if (readFlags('work', args, []) === null) return 2
  return runServer('work', async (process_) => {
    const { config, log, lifecycle } = process_
    await keepEmbeddedRepository(config)
    const urls = await startDatabase(config, log, lifecycle)
    const database = openDatabase({
      url: urls.appUrl,
      poolSize: config.poolSize,
      onIdleError: (err) => log.warn({ err }, 'an idle database connection was lost'),
    })
    lifecycle.onStop('database connections', 5_000, () => database.close())
    const hints = createDeliveryHints(queueOf(config, urls), log)
    lifecycle.onStop('hints', 3_000, () => hints.close())
    await startWorker(process_, urls, database, hints)
    process.stdout.write('purser is working\n')
  })
}
