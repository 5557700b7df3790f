import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { judgeBranch } from '../../src/main/doctor/branches.ts'
import { judgeDatabase, judgeMigrations } from '../../src/main/doctor/database.ts'
import { checkIssuers, judgeIssuer } from '../../src/main/doctor/issuers.ts'
import { renderFindings, words, type Finding } from '../../src/main/doctor/finding.ts'
import { checkKey, checkToken, judgeDisk, judgeGit, judgeNode } from '../../src/main/doctor/machine.ts'
import { judgeNotices } from '../../src/main/doctor/notices.ts'
import { migrationsDirectory } from '../../src/main/start-database.ts'
import type { BranchRecord } from '../../src/store/deliveries.ts'
import { readDatabaseHealth, type DatabaseHealth } from '../../src/store/health.ts'
import { pendingMigrations } from '../../src/store/migrate.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { requestId } from '../support/delivery.ts'
import { startIssuer } from '../support/issuer.ts'

const well: DatabaseHealth = { version: 180_004, role: 'purser_app', superuser: false, ownsTables: false, clockSkewMs: 3, queueReady: true }
const statuses = (findings: readonly Finding[]) => findings.filter((f) => f.status !== 'ok').map((f) => [f.check, f.status])

test.each([
  ['nothing', {}, []],
  ['an old server', { version: 130_012 }, [['database', 'fail']]],
  ['one role for both', { ownsTables: true }, [['roles', 'warn']]],
  ['a superuser', { superuser: true, ownsTables: true }, [['roles', 'warn']]],
  ['a clock that is off', { clockSkewMs: -2_001 }, [['clock', 'warn']]],
  ['a queue that cannot be used', { queueReady: false }, [['queue', 'fail']]],
])('finds %s', (_, wrong, expected) => {
  const findings = judgeDatabase({ ...well, ...wrong }, { on: 'postgres' })

  expect(statuses(findings)).toEqual(expected)
  expect(findings.every((f) => f.status === 'ok' || f.remedy !== undefined)).toBe(true)
})

test('asks of the queue what it is on, and nothing of PostgreSQL when it is on Redis', () => {
  expect(statuses(judgeDatabase({ ...well, queueReady: false }, { on: 'redis', version: '7.0.15' }))).toEqual([])
  expect(statuses(judgeDatabase(well, { on: 'redis', fault: 'connect ECONNREFUSED' }))).toEqual([['queue', 'fail']])
})

test('asks for a Node and a git that Purser was seen to work with', () => {
  expect(['18.20.8', '20.18.9', '20.19.0', '22.1.0'].map((version) => judgeNode(version).status)).toEqual(['fail', 'fail', 'ok', 'ok'])
  expect([null, '2.31.9', '2.34.1', '2.39.5', '3.0.0'].map((version) => judgeGit(version).status)).toEqual([
    'fail',
    'fail',
    'warn',
    'ok',
    'ok',
  ])
})

test('a disk that is nearly full is told before it is full', () => {
  expect([5e10, 9e8, 9e7].map((free) => judgeDisk(free, '/data').status)).toEqual(['ok', 'warn', 'fail'])
})

test('migrations that are not applied are named', () => {
  expect(judgeMigrations([])).toMatchObject({ status: 'ok' })
  expect(judgeMigrations(['20990101000000_later'])).toMatchObject({ status: 'warn', detail: 'not applied yet: 20990101000000_later' })
})

test('a hook that is away is named with what it said, and not for a bad minute', () => {
  const away = { team: 'red', pending: 3, oldestAgeS: 7_200, givenUp: 0, lastError: 'it answered 500' }
  const gone = { team: 'blue', pending: 0, oldestAgeS: 0, givenUp: 2, lastError: 'it answered 404 no_service' }

  expect(judgeNotices([{ ...away, oldestAgeS: 60 }])).toMatchObject({ status: 'ok' })
  expect(judgeNotices([away, gone])).toMatchObject({
    status: 'warn',
    detail:
      'hook of team red: 3 waiting, the oldest for 120 min (it answered 500); hook of team blue: 2 given up in the last day (it answered 404 no_service)',
  })
})

describe('a branch', () => {
  const head = '9daeafb9864cf43055ae93beb0afd6c7d144bfa4'
  const branch: BranchRecord = {
    id: 'b5b1c2d3-0000-4000-8000-000000000000',
    repository: 'embedded',
    branch: 'main',
    head,
    epoch: 3n,
    state: 'ok',
    since: new Date('2026-11-24T09:30:00Z'),
    detail: null,
  }

  test.each([
    ['is well where a push would be let in', {}, { head }, 'ok', undefined],
    ['is well while it is empty', { head: null }, { head: null }, 'ok', undefined],
    [
      'does not work where it cannot be pushed to, whatever was known of it',
      {},
      { fault: 'the repository is not there' },
      'fail',
      /Nothing is lost/,
    ],
    ['is well when others have committed on top', {}, { head, drift: { kind: 'ahead', commits: 3, unknown: [] } }, 'ok', undefined],
    [
      'is ahead when it has commits that the database should know',
      {},
      { head, drift: { kind: 'ahead', commits: 1, unknown: [requestId('req_01h2xcejqtf2nbrexx3vqjhp41')] } },
      'fail',
      /older than the branch.*gitops verify/,
    ],
    [
      'is behind when it lacks the last commit of Purser',
      {},
      { head, drift: { kind: 'behind', unknown: [] } },
      'fail',
      /^Push its history back/,
    ],
    ['that refuses is a matter of its hooks', { state: 'refuses', detail: 'not on Fridays' }, { head }, 'fail', /hook or rule/],
    ['that answers again is the worker’s to find', { state: 'unreachable', detail: 'no answer' }, { head }, 'warn', /tries again/],
    [
      'whose history was rewritten waits for an administrator',
      { state: 'history-rewritten', detail: 'gone' },
      { head },
      'fail',
      /accept \{"repository":"embedded","branch":"main","head":"9daeafb9864c/,
    ],
    [
      'that is gone has no head to accept',
      { state: 'history-rewritten', detail: 'gone' },
      { head: null },
      'fail',
      /^Push its history back\. /,
    ],
  ] as const)('%s', (_, record, answer, status, remedy) => {
    const finding = judgeBranch({ ...branch, ...record }, answer)

    expect(finding.status).toBe(status)
    expect(finding.detail).toContain('detail' in record ? record.detail : 'main of embedded')
    if (remedy === undefined) expect(finding.remedy).toBeUndefined()
    else expect(finding.remedy).toMatch(remedy)
  })
})

describe('the token', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-token-'))
  afterAll(() => rm(folder, { recursive: true }))

  test('is nobody else’s to read', async () => {
    expect(await checkToken(folder)).toMatchObject({ status: 'ok' })
    await writeFile(join(folder, 'admin-token'), 'psr_x', { mode: 0o600 })
    expect(await checkToken(folder)).toMatchObject({ status: 'ok' })

    await chmod(join(folder, 'admin-token'), 0o640)

    expect(await checkToken(folder)).toMatchObject({ status: 'warn' })
  })
})

test('a key is asked for where CI jobs could not be given tokens without one', async () => {
  const database = { url: new Secret('postgresql://app@db/purser'), migrateUrl: new Secret('postgresql://owner@db/purser') }

  expect(await checkKey({ keys: [], database, dataDir: '/nowhere' })).toMatchObject({
    status: 'warn',
    remedy: expect.stringContaining('PURSER_KEY'),
  })
  expect(await checkKey({ keys: [new Secret('k'.repeat(32))], database, dataDir: '/nowhere' })).toMatchObject({ status: 'ok' })
  expect(await checkKey({ keys: [], database: null, dataDir: '/nowhere' })).toMatchObject({ status: 'ok' })
})

test.each([
  ['is well with a key', { keys: 1, skewMs: 900 }, 'ok'],
  ['is well when it does not tell the time', { keys: 2, skewMs: null }, 'ok'],
  ['fails when nobody answers', { fault: 'connect ECONNREFUSED' }, 'fail'],
  ['fails without a public key', { keys: 0, skewMs: 0 }, 'fail'],
  ['is looked at when its clock is off', { keys: 1, skewMs: -31_000 }, 'warn'],
] as const)('an issuer %s', (_, answer, status) => {
  expect(judgeIssuer('https://id.example.com', answer).status).toBe(status)
})

test('asks a real issuer, and says so when it is away', async () => {
  const issuer = await startIssuer()
  const there = await checkIssuers([issuer.url], AbortSignal.timeout(10_000))
  await issuer.stop()
  const away = await checkIssuers([issuer.url], AbortSignal.timeout(10_000))

  expect(there).toEqual([{ check: 'issuer', status: 'ok', detail: `${issuer.url} publishes 1 key` }])
  expect(away).toMatchObject([{ status: 'fail', detail: expect.stringContaining('ECONNREFUSED') }])
})

test('shows last what is wrong, with its way out, and the sum of it', () => {
  const text = renderFindings([
    { check: 'queue', status: 'fail', detail: 'broken\nin two', remedy: 'mend it' },
    { check: 'git', status: 'ok', detail: 'there' },
    { check: 'roles', status: 'warn', detail: 'one' },
  ])

  expect(text.split('\n')).toEqual([
    'ok    git    there',
    'warn  roles  one',
    'fail  queue  broken',
    '             in two',
    '             → mend it',
    '',
    '1 of 3 does not work; 1 more to look at.',
    '',
  ])
})

test('breaks no word where a terminal ends', () => {
  const findings = [{ check: 'branch', status: 'warn', detail: 'one two three four five', remedy: 'six seven eight nine ten' }] as const

  expect(renderFindings(findings, 38).split('\n').slice(0, 4)).toEqual([
    'warn  branch  one two three four five',
    '              → six seven eight nine',
    '                ten',
    '',
  ])
})

test('says why a connection failed, whatever it was wrapped in', () => {
  expect(
    words(new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('connect ECONNREFUSED 127.0.0.1:5432')], '')),
  ).toBe('connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432')
})

describe('a real database', async () => {
  const migrated = await withDatabase()
  const empty = await withEmptyDatabase()
  const pools = [migrated, empty].map(({ appUrl }) => new pg.Pool({ connectionString: appUrl, max: 1 }))
  let pending: readonly (readonly string[])[]
  beforeAll(async () => {
    pending = await Promise.all(pools.map((pool) => pendingMigrations(pool, migrationsDirectory())))
    await Promise.all(pools.map((pool) => pool.end()))
  })

  test('is well as the application, and its owner is told apart', async () => {
    expect(await readDatabaseHealth(migrated.appUrl)).toMatchObject({
      role: 'purser_app',
      superuser: false,
      ownsTables: false,
      queueReady: true,
    })
    expect(await readDatabaseHealth(migrated.ownerUrl)).toMatchObject({ role: 'purser_owner', ownsTables: true })
    expect(pending[0]).toEqual([])
  })

  test('without the queue and its migrations is not', async () => {
    expect(await readDatabaseHealth(empty.appUrl)).toMatchObject({ queueReady: false })
    expect(pending[1]).toContain('20261124100000_tables')
  })
})
