import type { DatabaseHealth } from '../../store/health.ts'
import type { Finding } from './finding.ts'

/** Where the queue is; of a Redis, what it said to a ping. */
export type QueueAnswer =
  | { readonly on: 'postgres' }
  | { readonly on: 'redis'; readonly version: string | null }
  | { readonly on: 'redis'; readonly fault: string }

/** What a database's answers mean. Pure, so that each wrong state has a test. */
export function judgeDatabase(health: DatabaseHealth, queue: QueueAnswer): readonly Finding[] {
  const major = Math.floor(health.version / 10_000)
  return [
    major >= 14
      ? { check: 'database', status: 'ok', detail: `PostgreSQL ${major}` }
      : { check: 'database', status: 'fail', detail: `PostgreSQL ${major}`, remedy: 'Move to PostgreSQL 14 or newer' },
    judgeRoles(health),
    judgeClock(health.clockSkewMs),
    judgeQueue(health, queue),
  ]
}

function judgeRoles(health: DatabaseHealth): Finding {
  if (health.superuser)
    return {
      check: 'roles',
      status: 'warn',
      detail: `${health.role} is a superuser: nothing that the database refuses the application holds`,
      remedy: 'Give DATABASE_URL a role of its own',
    }
  if (health.ownsTables)
    return {
      check: 'roles',
      status: 'warn',
      detail: `${health.role} owns the tables: it could switch off what the database refuses it`,
      remedy: 'Name the owner in DATABASE_MIGRATE_URL and another role in DATABASE_URL',
    }
  return { check: 'roles', status: 'ok', detail: `${health.role} is not the owner` }
}

function judgeClock(skewMs: number): Finding {
  const off = Math.abs(skewMs)
  if (off <= 2_000) return { check: 'clock', status: 'ok', detail: `within ${off} ms of the database's` }
  return { check: 'clock', status: 'warn', detail: `${off} ms away from the database's`, remedy: 'Synchronize both, with NTP' }
}

function judgeQueue(health: DatabaseHealth, queue: QueueAnswer): Finding {
  if (queue.on === 'redis') {
    if (!('fault' in queue)) return { check: 'queue', status: 'ok', detail: `on Redis ${queue.version ?? '(version unknown)'}` }
    const remedy = 'Start it, or correct REDIS_URL. Nothing is lost: deliveries go on once it answers'
    return { check: 'queue', status: 'fail', detail: `Redis does not answer: ${queue.fault}`, remedy }
  }
  if (health.queueReady) return { check: 'queue', status: 'ok', detail: 'on PostgreSQL' }
  return {
    check: 'queue',
    status: 'fail',
    detail: `the schema bullmq is missing, or ${health.role} may not create in it`,
    remedy: 'Run purser migrate',
  }
}

export function judgeMigrations(pending: readonly string[]): Finding {
  if (pending.length === 0) return { check: 'migrations', status: 'ok', detail: 'all applied' }
  return {
    check: 'migrations',
    status: 'warn',
    detail: `not applied yet: ${pending.join(', ')}`,
    remedy: 'purser migrate applies them, and so does the next purser serve',
  }
}
