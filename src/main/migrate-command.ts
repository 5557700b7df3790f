import { readFlags, runServer } from './run.ts'
import { migrateDatabase, startDatabase } from './start-database.ts'

/** `purser migrate`: brings the database up to date and ends. */
export async function migrateCommand(args: readonly string[]): Promise<number> {
  if (readFlags('migrate', args, []) === null) return 2
  return runServer('migrate', async ({ config, log, lifecycle }) => {
    const urls = await startDatabase(config, log, lifecycle)
    const { applied } = await migrateDatabase(urls, log)
    process.stdout.write(
      applied.length === 0 ? 'The database is up to date.\n' : `${applied.map((name) => `applied ${name}`).join('\n')}\n`,
    )
    lifecycle.stop()
  })
}
