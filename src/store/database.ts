import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { Fault } from '../core/fault.ts'
import { PrismaClient } from '../generated/prisma/client.ts'

/**
 * One pool for everything: prepared statements where it is hot or holds a lock, Prisma for reads by key and plain lists.
 * A hot row collapses under many connections, so the pool is small.
 */
export type Database = {
  readonly pool: pg.Pool
  readonly prisma: PrismaClient
  close(): Promise<void>
}

export type DatabaseOptions = {
  readonly url: string
  readonly poolSize: number
  readonly onIdleError: (error: Error) => void
  /** How long a statement may go without an answer before its connection is given up. */
  readonly answerMs?: number
}

/**
 * Time limits of the application's sessions, ms: a statement that hangs, or a transaction that somebody forgot, must not hold
 * a budget's row for everybody else.
 */
export const sessionLimits = { statement_timeout: 30_000, lock_timeout: 10_000, idle_in_transaction_session_timeout: 30_000 } as const

/**
 * A server that the network has swallowed enforces no limits, and TCP alone gives up after a quarter of an hour. Longer than
 * `statement_timeout`, so that a server that is there has the word.
 */
const ANSWER_MS = 35_000

export function openDatabase({ url, poolSize, onIdleError, answerMs = ANSWER_MS }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    query_timeout: answerMs,
    keepAlive: true,
    application_name: 'purser',
    ...sessionLimits,
  })
  // An idle connection that the server ends is replaced by the pool; without a listener it would end the process.
  pool.on('error', onIdleError)
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  return {
    pool,
    prisma,
    async close() {
      await prisma.$disconnect()
      await endPool(pool)
    },
  }
}

/**
 * Ends the pool, and waits until its connections are closed: the pool itself says that it ended as soon as it has told them
 * to, and a server that is stopped in between would end them with an error.
 */
async function endPool(pool: pg.Pool): Promise<void> {
  let open = pool.totalCount
  const closed = new Promise<void>((resolve) => {
    if (open === 0) resolve()
    pool.on('remove', () => {
      if (--open === 0) resolve()
    })
  })
  await pool.end()
  await closed
}

/** A statement that is prepared once per connection under its name, and kept as long as the connection is; an empty one is no name. */
export type Statement = { readonly name: string; readonly text: string }

/**
 * Runs a prepared statement and answers its rows, as PostgreSQL gives them: bigint columns arrive as text.
 * @throws Fault `wait` when the database cannot be reached, `again` when it asks for another try (deadlock, timeout).
 */
export async function run<Row extends object>(pool: pg.Pool, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
  try {
    const result = await pool.query<Row>({ name: statement.name, text: statement.text, values: [...values] })
    return result.rows
  } catch (error) {
    throw classifyDatabaseError(error)
  }
}

/** The row of a statement that answers exactly one. */
export function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new Error('the statement answers one row')
  return row
}

/** Prisma's reads through the same classification as prepared statements. */
export async function read<T>(query: Promise<T>): Promise<T> {
  try {
    return await query
  } catch (error) {
    throw classifyDatabaseError(error)
  }
}

/** SQLSTATE → what to do about it, in one place and never by message; anything unknown stays what it is: a bug. */
export function classifyDatabaseError(error: unknown): unknown {
  const code = sqlState(error)
  if (code === null) return isConnectionError(error) ? new Fault('wait', 'the database cannot be reached', { cause: error }) : error
  // Connection exceptions, shutdown, too many connections, out of resources, read-only after a failover; and whatever ends
  // or refuses the connection itself, such as a database that is closed for maintenance or a password that is being changed.
  if (/^(08|53)/.test(code) || isFatal(error) || ['57P01', '57P02', '57P03', '25006'].includes(code))
    return new Fault('wait', 'the database is not available', { cause: error })
  if (['40001', '40P01', '55P03', '57014', '25P03', '25P04'].includes(code))
    return new Fault('again', 'the database asked for another try', { cause: error })
  return error
}

/** Whether PostgreSQL ended the session with it, or let none begin. */
function isFatal(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 6; depth++) {
    const { severity, cause, meta } = at as { severity?: unknown; cause?: unknown; meta?: { driverAdapterError?: unknown } }
    if (severity === 'FATAL' || severity === 'PANIC') return true
    at = cause ?? meta?.driverAdapterError
  }
  return false
}

/**
 * The five characters of SQLSTATE, also from inside Prisma's wrapping; null when the error is not PostgreSQL's. Prisma's own
 * codes look alike (P2010), and so does one of the system's: EPIPE. No class of SQLSTATE begins with E.
 */
export function sqlState(error: unknown): string | null {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 6; depth++) {
    const { code, originalCode, cause, meta } = at as {
      code?: unknown
      originalCode?: unknown
      cause?: unknown
      meta?: { driverAdapterError?: unknown }
    }
    for (const candidate of [originalCode, code])
      if (typeof candidate === 'string' && /^(?!P\d{4}$|E)[0-9A-Z]{5}$/.test(candidate)) return candidate
    at = cause ?? meta?.driverAdapterError
  }
  return null
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'P1001',
  'P1002',
  'P1008',
  'P1017',
])

function isConnectionError(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 6; depth++) {
    const { code, message, cause } = at as { code?: unknown; message?: unknown; cause?: unknown }
    if (typeof code === 'string' && connectionCodes.has(code)) return true
    // node-postgres gives these no code (pg/lib/client.js and pg-pool/index.js).
    if (
      typeof message === 'string' &&
      /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout)/.test(
        message,
      )
    )
      return true
    at = cause
  }
  return false
}
