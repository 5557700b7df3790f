import { expect, test } from 'vitest'
import { Fault } from '../../src/core/fault.ts'
import { classifyDatabaseError } from '../../src/store/database.ts'

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
