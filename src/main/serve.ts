import { adminToken } from './admin-token.ts'
import { readFlags, runServer } from './run.ts'
import { migrateDatabase, startDatabase } from './start-database.ts'

/** `purser serve [--work]`: answers over HTTP, and with --work delivers too. */
export async function serve(args: readonly string[]): Promise<number> {
  const flags = readFlags('serve', args, ['--work'])
  if (flags === null) return 2
  return runServer('serve', async ({ config, log, lifecycle }) => {
    const urls = await startDatabase(config, log, lifecycle)
    await migrateDatabase(urls, log)
    await adminToken(config.dataDir)
    // TODO the lead joins store, operations and faces here.
    process.stdout.write(`purser ready on http://${config.host}:${config.port}\n`)
  })
}
