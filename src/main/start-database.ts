import { join } from 'node:path'
import { startEmbeddedPostgres, SUPERUSER } from '../adapters/embedded-postgres/start.ts'
import type { Config } from '../config.ts'
import { embedded, prepareRoles } from '../store/embedded-roles.ts'
import { migrate, type Migrated } from '../store/migrate.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Log } from './log.ts'
import { packageRoot } from './package-root.ts'

export type DatabaseUrls = { readonly appUrl: string; readonly ownerUrl: string; readonly embedded: boolean }

/**
 * The configured database, or the embedded one, started here and stopped last. When its server dies under us, so do we,
 * with exit code 1: whoever started this process (a person, systemd, a container's runtime) starts it again, and the start
 * recovers. A server that is restarted from within would hide the first crash and every one after it.
 */
export async function startDatabase(config: Config, log: Log, lifecycle: Lifecycle): Promise<DatabaseUrls> {
  if (config.database !== null)
    return { appUrl: config.database.url.reveal(), ownerUrl: config.database.migrateUrl.reveal(), embedded: false }
  const server = await startEmbeddedPostgres({ dataDir: config.dataDir, onNotice: (message, data) => log.warn(data, message) })
  lifecycle.onStop('database', 20_000, () => server.stop())
  void server.exited.then((exit) =>
    lifecycle.fail('the embedded database server ended', new Error(`PostgreSQL ended with ${exit.code ?? exit.signal}`)),
  )
  await prepareRoles(server.url(SUPERUSER, 'postgres'))
  return {
    appUrl: server.url(embedded.application, embedded.database),
    ownerUrl: server.url(embedded.owner, embedded.database),
    embedded: true,
  }
}

/** Brings the database up to this version, and warns when one role is both owner and application. */
export async function migrateDatabase(urls: DatabaseUrls, log: Log): Promise<Migrated> {
  const result = await migrate({ ownerUrl: urls.ownerUrl, appUrl: urls.appUrl, directory: migrationsDirectory() })
  if (result.applied.length > 0) log.info({ applied: result.applied }, 'database migrated')
  if (result.sameRole)
    log.warn(
      { role: result.appRole },
      'application and owner are one database role: the database cannot hold the line against the application itself',
    )
  return result
}

export function migrationsDirectory(): string {
  return join(packageRoot(), 'prisma/migrations')
}
