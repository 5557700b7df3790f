import { destination, pino, stdTimeFunctions, type Logger } from 'pino'
import type { LogLevel } from '../config.ts'

export type Log = Logger

/**
 * The process's log: one JSON object a line on standard error, so that standard output is for people and scripts. Written
 * synchronously: the last words before a crash are the ones that matter.
 */
export function createLog(level: LogLevel): Log {
  return pino(
    {
      level,
      timestamp: stdTimeFunctions.isoTime,
      base: { pid: process.pid },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      redact: ['*.headers.authorization', '*.headers.cookie', 'headers.authorization', 'headers.cookie'],
    },
    destination({ dest: 2, sync: true }),
  )
}

export type ErrorDescription = {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly causes?: readonly string[]
}

/**
 * An error by a fixed list of its members. Errors of PostgreSQL carry more (`detail`: "Failing row contains (…)"), and that
 * has people's data in it.
 */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: typeof error === 'string' ? error : 'not an Error' }
  const causes: string[] = []
  for (let cause = error.cause; cause !== undefined && causes.length < 8; cause = cause instanceof Error ? cause.cause : undefined)
    causes.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : typeof cause)
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(causes.length === 0 ? {} : { causes }),
  }
}
