import { createPostgresBackend, Queue, withBackend, Worker, type JobsOptions, type PgPool, type Processor } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'

/**
 * BullMQ on Redis or on PostgreSQL: the same classes, bound to one backend or the other, here and nowhere else. On
 * PostgreSQL its tables are in schema `bullmq`, migrated by the owner's role; the application's role only uses them.
 */
export type QueueConnection = { readonly kind: 'postgres'; readonly url: string } | { readonly kind: 'redis'; readonly url: string }

/** What is logged has a static message and data beside it; a pino logger is one. */
export type QueueLog = { warn(data: Readonly<Record<string, unknown>>, message: string): void }

/** A queue by name, and for how long a worker that died holds its jobs. */
export type QueueLine = { readonly queue: string; readonly lease: { readonly lockDuration: number; readonly stalledInterval: number } }

/** What is used of BullMQ's Queue. */
export type JobQueue = {
  add(name: string, data: object, options: JobsOptions): Promise<unknown>
  close(): Promise<void>
}

/** What is used of BullMQ's Worker. */
export type JobWorker = { close(): Promise<void> }

const onPostgres = withBackend(createPostgresBackend)

/** A producer that fails rather than waits: a hint that cannot be given now is the sweep's. */
export async function openQueue(connection: QueueConnection, { queue }: QueueLine, log: QueueLog): Promise<JobQueue> {
  const onError = (error: Error) => log.warn({ err: error, queue }, 'the queue has a fault')
  if (connection.kind === 'redis') {
    const redis = openRedis(connection.url, { maxRetriesPerRequest: 1, enableOfflineQueue: false }, onError)
    return ready(new Queue<object>(queue, { connection: redis, streams: EVENTS }), onError, async () => redis.disconnect())
  }
  const pool = openPool(connection.url, 2, onError)
  return ready(new onPostgres.Queue<object>(queue, { connection: asBullmqPool(pool), streams: EVENTS }), onError, () => pool.end())
}

/** A consumer that waits out any outage. */
export async function openWorker(
  connection: QueueConnection,
  { queue, lease }: QueueLine,
  processor: Processor<object>,
  concurrency: number,
  log: QueueLog,
): Promise<JobWorker> {
  const onError = (error: Error) => log.warn({ err: error, queue }, 'the worker of a queue has a fault')
  const options = { ...lease, ...PATIENCE, concurrency }
  if (connection.kind === 'redis') {
    const redis = openRedis(connection.url, { maxRetriesPerRequest: null }, onError)
    return ready(new Worker<object>(queue, processor, { connection: redis, ...options }), onError, async () => redis.disconnect())
  }
  // One for LISTEN, one for renewing leases, and those that take and end jobs.
  const pool = openPool(connection.url, concurrency + 2, onError)
  return ready(new onPostgres.Worker<object>(queue, processor, { connection: asBullmqPool(pool), ...options }), onError, () => pool.end())
}

/** Nobody reads BullMQ's event stream. */
const EVENTS = { events: { maxLen: 100 } }

/** Coming back from a worker that died is no fault of the job, however often. */
const PATIENCE = { maxStalledCount: 1_000_000, drainDelay: 5 }

type Opened = { on(event: 'error', listener: (error: Error) => void): unknown; waitUntilReady(): Promise<unknown>; close(): Promise<void> }

/** BullMQ remembers a failed start for ever, so what did not become ready is closed and made anew by the caller. */
async function ready<T extends Opened>(opened: T, onError: (error: Error) => void, release: () => Promise<void>): Promise<T> {
  opened.on('error', onError)
  const closeClass = opened.close.bind(opened)
  let closed: Promise<void> | null = null
  opened.close = () => (closed ??= close())
  try {
    await opened.waitUntilReady()
  } catch (error) {
    await opened.close().catch(() => undefined)
    throw error
  }
  return opened

  /** BullMQ leaves connections that it was given to their owner. */
  async function close(): Promise<void> {
    try {
      await closeClass()
    } finally {
      await release()
    }
  }
}

function openPool(url: string, max: number, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    options: '-c search_path=bullmq',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  })
  pool.on('error', onError)
  return pool
}

/** A pg.Pool is what BullMQ documents here; TypeScript does not see it through the overloads of @types/pg. */
function asBullmqPool(pool: pg.Pool): PgPool {
  return pool as unknown as PgPool
}

function openRedis(
  url: string,
  options: { readonly maxRetriesPerRequest: number | null; readonly enableOfflineQueue?: boolean },
  onError: (error: Error) => void,
): Redis {
  const redis = new Redis(url, { ...options, retryStrategy: (times) => Math.min(times * 100, 2_000) })
  redis.on('error', onError)
  return redis
}
