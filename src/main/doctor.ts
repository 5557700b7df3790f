import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Config } from '../config.ts'
import { readDatabaseHealth, type DatabaseHealth } from '../store/health.ts'
import { readFlags, runServer } from './run.ts'
import { migrateDatabase, startDatabase } from './start-database.ts'

const run = promisify(execFile)

/** `warn`: it works, and something that should hold does not. `fail`: it does not work. */
export type Finding = { readonly check: string; readonly status: 'ok' | 'warn' | 'fail'; readonly detail: string }

/**
 * `purser doctor`: looks at everything that Purser needs from outside and says what is wrong with it, all at once. Exit 1
 * when something fails. With an embedded database it starts that one, so no server may be running on the same data.
 */
export async function doctor(args: readonly string[]): Promise<number> {
  if (readFlags('doctor', args, []) === null) return 2
  return runServer('doctor', async ({ config, log, lifecycle }) => {
    const findings: Finding[] = [await checkNode(), await checkGit(), await checkToken(config)]
    try {
      const urls = await startDatabase(config, log, lifecycle)
      if (urls.embedded) await migrateDatabase(urls, log)
      findings.push(...judgeDatabase(await readDatabaseHealth(urls.appUrl), config))
    } catch (error) {
      findings.push({ check: 'database', status: 'fail', detail: String(error) })
    }
    process.stdout.write(renderFindings(findings))
    if (findings.some((f) => f.status === 'fail'))
      lifecycle.fail('doctor found something that does not work', new Error('see the findings'))
    else lifecycle.stop()
  })
}

/** One line a finding; what is wrong comes last, where people look. */
export function renderFindings(findings: readonly Finding[]): string {
  const order = { ok: 0, warn: 1, fail: 2 } as const
  const sorted = findings.toSorted((a, b) => order[a.status] - order[b.status])
  return sorted.map((f) => `${f.status.padEnd(4)}  ${f.check.padEnd(10)}  ${f.detail}\n`).join('')
}

/** What a database's answers mean. Pure, so that each wrong state has a test. */
export function judgeDatabase(health: DatabaseHealth, config: Pick<Config, 'redisUrl'>): readonly Finding[] {
  const major = Math.floor(health.version / 10_000)
  return [
    major >= 14
      ? { check: 'database', status: 'ok', detail: `PostgreSQL ${major}` }
      : { check: 'database', status: 'fail', detail: `PostgreSQL ${major}; Purser needs 14 or newer` },
    judgeRoles(health),
    Math.abs(health.clockSkewMs) <= 2_000
      ? { check: 'clock', status: 'ok', detail: `within ${Math.abs(health.clockSkewMs)} ms of the database's` }
      : { check: 'clock', status: 'warn', detail: `${Math.abs(health.clockSkewMs)} ms away from the database's: synchronize both` },
    judgeQueue(health, config),
  ]
}

function judgeRoles(health: DatabaseHealth): Finding {
  if (health.superuser)
    return {
      check: 'roles',
      status: 'warn',
      detail: `${health.role} is a superuser: nothing that the database refuses the application holds. Give DATABASE_URL a role of its own`,
    }
  if (health.ownsTables)
    return {
      check: 'roles',
      status: 'warn',
      detail: `${health.role} owns the tables: name the owner in DATABASE_MIGRATE_URL and another role in DATABASE_URL`,
    }
  return { check: 'roles', status: 'ok', detail: `${health.role} is not the owner` }
}

function judgeQueue(health: DatabaseHealth, config: Pick<Config, 'redisUrl'>): Finding {
  if (config.redisUrl !== null) return { check: 'queue', status: 'ok', detail: 'on Redis' }
  if (health.queueReady) return { check: 'queue', status: 'ok', detail: 'on PostgreSQL' }
  return {
    check: 'queue',
    status: 'fail',
    detail: `the schema bullmq is missing, or ${health.role} may not create in it: run purser migrate`,
  }
}

async function checkNode(): Promise<Finding> {
  return { check: 'node', status: 'ok', detail: process.version }
}

async function checkGit(): Promise<Finding> {
  try {
    const { stdout } = await run('git', ['--version'], { timeout: 10_000 })
    return { check: 'git', status: 'ok', detail: stdout.trim() }
  } catch {
    return { check: 'git', status: 'fail', detail: 'git is not installed, or not on the PATH' }
  }
}

async function checkToken(config: Config): Promise<Finding> {
  const path = join(config.dataDir, 'admin-token')
  const found = await stat(path).catch(() => null)
  if (found === null) return { check: 'token', status: 'ok', detail: 'none yet: the first start makes one' }
  if ((found.mode & 0o077) === 0) return { check: 'token', status: 'ok', detail: path }
  return { check: 'token', status: 'warn', detail: `others can read ${path}: chmod 600 it, or remove it for a new one` }
}
