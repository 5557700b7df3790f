import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres, SUPERUSER } from '../../src/adapters/embedded-postgres/start.ts'
import { embedded, prepareRoles } from '../../src/store/embedded-roles.ts'
import { migrate } from '../../src/store/migrate.ts'

/** Connection strings to a server of the run; `{database}` is where the database's name goes. */
export type DatabaseServer = {
  readonly superuserUrl: string
  readonly ownerUrl: string
  readonly appUrl: string
  readonly template: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** One for each worker. */
    databases: readonly DatabaseServer[]
  }
}

/**
 * A PostgreSQL for each worker of the run, with the migrated database that every test file clones: transaction ids are a
 * server's, so a transaction that one file holds open would keep the log's newest events from the readers of another. They
 * forget what a crash would lose (fsync off), and are gone with their folders at the end.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await Promise.all(Array.from({ length: project.vitest.config.maxWorkers }, startServer))
  project.provide(
    'databases',
    servers.map((server) => server.urls),
  )
  return async () => {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

async function startServer(): Promise<{ readonly urls: DatabaseServer; stop(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'purser-test-'))
  await chmod(dataDir, 0o700)
  const server = await startEmbeddedPostgres({
    dataDir,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200', autovacuum: 'off' },
  })
  async function stop(): Promise<void> {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const superuserUrl = server.url(SUPERUSER, 'postgres')
    await prepareRoles(superuserUrl)
    const [ownerUrl, appUrl] = [server.url(embedded.owner, embedded.database), server.url(embedded.application, embedded.database)]
    await migrate({ ownerUrl, appUrl, directory: join(import.meta.dirname, '../../prisma/migrations') })
    const urls = {
      superuserUrl,
      ownerUrl: server.url(embedded.owner, '{database}'),
      appUrl: server.url(embedded.application, '{database}'),
      template: embedded.database,
    }
    return { urls, stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}
