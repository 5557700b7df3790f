import { expect, test } from 'vitest'
import { Fault } from '../../src/core/fault.ts'
import { classifyDatabaseError, openDatabase, run } from '../../src/store/database.ts'
import { withDatabase } from '../support/database.ts'

const { appUrl } = await withDatabase()

function kindOf(error: unknown): string {
  const classified = classifyDatabaseError(error)
  return classified instanceof Fault ? classified.kind : 'bug'
}

const withCode = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })

test.each(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])(
  'a connection that ends with %s waits for the database',
  (code) => {
    const error = withCode(code, { syscall: 'write', errno: -1 })
    expect(kindOf(error)).toBe('wait')
    expect(kindOf(new Error('a read failed', { cause: error }))).toBe('wait')
  },
)

test.each(['08006', '53300', '57P01', '57P02', '57P03', '25006'])('SQLSTATE %s waits for the database', (code) => {
  expect(kindOf(withCode(code, { severity: 'ERROR' }))).toBe('wait')
})

test.each(['40001', '40P01', '55P03', '57014', '25P03', '25P04'])('SQLSTATE %s asks for another try', (code) => {
  expect(kindOf(withCode(code, { severity: 'ERROR' }))).toBe('again')
})

test.each(['23505', '42501', '22P02', 'P0001', 'XX000', 'PU001'])('SQLSTATE %s stays a bug', (code) => {
  expect(kindOf(withCode(code, { severity: 'ERROR' }))).toBe('bug')
})

test('what PostgreSQL said is found within what Prisma makes of it', () => {
  const cause = { name: 'DriverAdapterError', cause: { kind: 'postgres', originalCode: '57P01', originalMessage: 'shutting down' } }
  expect(kindOf(withCode('P2010', { meta: { driverAdapterError: cause } }))).toBe('wait')
  expect(kindOf(withCode('P1017'))).toBe('wait')
})

test('an error of our own is no fault of the database', () => {
  expect(kindOf(new TypeError('undefined is not a function'))).toBe('bug')
})

test('a statement that is never answered waits for the database, and its connection is not used again', async () => {
  const database = openDatabase({ url: appUrl, poolSize: 1, onIdleError: () => undefined, answerMs: 300 })
  const backend = { name: 'backend', text: 'select pg_backend_pid() as pid' }
  const before = await run<{ pid: number }>(database.pool, backend, [])

  const unanswered = run(database.pool, { name: 'hang', text: 'select pg_sleep(600)' }, [])

  await expect(unanswered).rejects.toMatchObject({ name: 'Fault', kind: 'wait' })
  const after = await run<{ pid: number }>(database.pool, backend, [])
  expect(after).not.toEqual(before)
  await database.close()
})
