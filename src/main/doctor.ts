import pg from 'pg'
import { findEmbeddedPostgres } from '../adapters/embedded-postgres/attach.ts'
import { pingRedis } from '../adapters/queue/ping.ts'
import type { Config } from '../config.ts'
import { embedded } from '../store/embedded-roles.ts'
import { readDatabaseHealth } from '../store/health.ts'
import { pendingMigrations } from '../store/migrate.ts'
import { listBothHalves } from '../store/service-accounts.ts'
import { readNoticeHealth } from '../store/team-notices.ts'
import { checkBranches } from './doctor/branches.ts'
import { judgeDatabase, judgeMigrations, type QueueAnswer } from './doctor/database.ts'
import { judgeNotices } from './doctor/notices.ts'
import { renderFindings, words, type Finding } from './doctor/finding.ts'
import { checkIssuers } from './doctor/issuers.ts'
import { checkMachine } from './doctor/machine.ts'
import { judgeTokens } from './doctor/tokens.ts'
import { readFlags, runServer, type Process } from './run.ts'
import { migrationsDirectory, startDatabase, type DatabaseUrls } from './start-database.ts'

/**
 * `purser doctor`: looks at everything that Purser needs from outside and says what is wrong with it, all at once. Exit 1
 * when something does not work. It changes nothing: beside a running server it asks that one's database; an embedded one
 * that nobody runs is started for the moment.
 */
export async function doctor(args: readonly string[]): Promise<number> {
  if (readFlags('doctor', args, []) === null) return 2
  return runServer('doctor', async (process_) => {
    const { config, lifecycle } = process_
    const issuers = await checkIssuers(config.identity.issuers, lifecycle.stopping)
    const findings = [...(await checkMachine(config)), ...issuers, ...(await checkDatabase(process_))]
    // Unwrapped where it is no terminal: a line a finding is what programs look for.
    process.stdout.write(renderFindings(findings, process.stdout.columns))
    lifecycle.stop(findings.some((f) => f.status === 'fail') ? 1 : 0)
  })
}

async function checkDatabase(process_: Process): Promise<readonly Finding[]> {
  const { config, lifecycle } = process_
  const findings: Finding[] = []
  try {
    const urls = await reachDatabase(process_)
    if (urls === null) return [{ check: 'database', status: 'ok', detail: 'none yet: the first start makes one' }]
    findings.push(...judgeDatabase(await readDatabaseHealth(urls.appUrl), await askQueue(config)), await checkOwner(urls))
    const pool = new pg.Pool({ connectionString: urls.appUrl, max: 1, connectionTimeoutMillis: 5_000, application_name: 'purser doctor' })
    try {
      const migrations = judgeMigrations(await pendingMigrations(pool, migrationsDirectory()))
      findings.push(migrations)
      // Before the tables are those of this version, they may not even be there.
      if (migrations.status === 'ok')
        findings.push(
          judgeTokens(await listBothHalves(pool, 6)),
          judgeNotices(await readNoticeHealth(pool)),
          ...(await checkBranches(config, pool, lifecycle.stopping)),
        )
    } finally {
      await pool.end()
    }
  } catch (error) {
    findings.push({ check: 'database', status: 'fail', detail: words(error) })
  }
  return findings
}

/** Null: there is no embedded database yet, and looking for one is no reason to make it. */
async function reachDatabase({ config, log, lifecycle }: Process): Promise<DatabaseUrls | null> {
  if (config.database !== null) return startDatabase(config, log, lifecycle)
  const found = await findEmbeddedPostgres(config.dataDir)
  switch (found.kind) {
    case 'none':
      return null
    case 'stopped':
      return startDatabase(config, log, lifecycle)
    case 'running':
      return {
        appUrl: found.url(embedded.application, embedded.database),
        ownerUrl: found.url(embedded.owner, embedded.database),
        embedded: true,
      }
  }
}

/** The owner migrates at every start of `serve`; one that cannot come in would keep it from starting. */
async function checkOwner({ ownerUrl }: DatabaseUrls): Promise<Finding> {
  try {
    return { check: 'owner', status: 'ok', detail: `${(await readDatabaseHealth(ownerUrl)).role} can migrate` }
  } catch (error) {
    return { check: 'owner', status: 'fail', detail: words(error), remedy: 'Correct DATABASE_MIGRATE_URL' }
  }
}

async function askQueue({ redisUrl }: Config): Promise<QueueAnswer> {
  if (redisUrl === null) return { on: 'postgres' }
  try {
    return { on: 'redis', version: await pingRedis(redisUrl.reveal()) }
  } catch (error) {
    return { on: 'redis', fault: words(error) }
  }
}
