import { readFlags, runServer } from './run.ts'
import { startDatabase } from './start-database.ts'

/** `purser work`: delivers what is released. */
export async function work(args: readonly string[]): Promise<number> {
  if (readFlags('work', args, []) === null) return 2
  return runServer('work', async ({ config, log, lifecycle }) => {
    await startDatabase(config, log, lifecycle)
    // TODO the lead joins store, operations and the queue here.
  })
}
