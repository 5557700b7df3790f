import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { judgeDatabase, renderFindings } from '../../src/main/doctor.ts'
import { readDatabaseHealth, type DatabaseHealth } from '../../src/store/health.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'

const well: DatabaseHealth = { version: 180_004, role: 'purser_app', superuser: false, ownsTables: false, clockSkewMs: 3, queueReady: true }

test.each([
  ['nothing', {}, []],
  ['an old server', { version: 130_012 }, [['database', 'fail']]],
  ['one role for both', { ownsTables: true }, [['roles', 'warn']]],
  ['a superuser', { superuser: true, ownsTables: true }, [['roles', 'warn']]],
  ['a clock that is off', { clockSkewMs: -2_001 }, [['clock', 'warn']]],
  ['a queue that cannot be used', { queueReady: false }, [['queue', 'fail']]],
])('finds %s', (_, wrong, expected) => {
  const findings = judgeDatabase({ ...well, ...wrong }, { redisUrl: null })

  expect(findings.filter((f) => f.status !== 'ok').map((f) => [f.check, f.status])).toEqual(expected)
})

test('asks nothing of the queue on PostgreSQL when it is on Redis', () => {
  expect(judgeDatabase({ ...well, queueReady: false }, { redisUrl: new Secret('redis://queue') }).every((f) => f.status === 'ok')).toBe(
    true,
  )
})

test('shows last what is wrong', () => {
  const text = renderFindings([
    { check: 'queue', status: 'fail', detail: 'broken' },
    { check: 'git', status: 'ok', detail: 'there' },
    { check: 'roles', status: 'warn', detail: 'one' },
  ])

  expect(text.split('\n').map((line) => line.slice(0, 4).trim())).toEqual(['ok', 'warn', 'fail', ''])
})

describe('a real database', async () => {
  const migrated = await withDatabase()
  const empty = await withEmptyDatabase()

  test('is well as the application, and its owner is told apart', async () => {
    expect(await readDatabaseHealth(migrated.appUrl)).toMatchObject({
      role: 'purser_app',
      superuser: false,
      ownsTables: false,
      queueReady: true,
    })
    expect(await readDatabaseHealth(migrated.ownerUrl)).toMatchObject({ role: 'purser_owner', ownsTables: true })
  })

  test('without the queue is not', async () => {
    expect(await readDatabaseHealth(empty.appUrl)).toMatchObject({ queueReady: false })
  })
})
