import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres, SUPERUSER } from '../../src/adapters/embedded-postgres/start.ts'
import { embedded, prepareRoles } from '../../src/store/embedded-roles.ts'
import { migrate } from '../../src/store/migrate.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection strings to the run's server; `{database}` is where the database's name goes. */
    database: { readonly superuserUrl: string; readonly ownerUrl: string; readonly appUrl: string; readonly template: string }
  }
}

/**
 * One PostgreSQL for the whole run, with the migrated database that every test file clones. It forgets what a crash would
 * lose (fsync off), and is gone with its folder at the end.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'purser-test-'))
  await chmod(dataDir, 0o700)
  const server = await startEmbeddedPostgres({
    dataDir,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200', autovacuum: 'off' },
  })
  async function teardown(): Promise<void> {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const superuserUrl = server.url(SUPERUSER, 'postgres')
    await prepareRoles(superuserUrl)
    const [ownerUrl, appUrl] = [server.url(embedded.owner, embedded.database), server.url(embedded.application, embedded.database)]
    await migrate({ ownerUrl, appUrl, directory: join(import.meta.dirname, '../../prisma/migrations') })
    project.provide('database', {
      superuserUrl,
      ownerUrl: server.url(embedded.owner, '{database}'),
      appUrl: server.url(embedded.application, '{database}'),
      template: embedded.database,
    })
  } catch (cause) {
    await teardown()
    throw cause
  }
  return teardown
}
