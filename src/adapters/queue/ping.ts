import { Redis } from 'ioredis'

const LIMIT_MS = 5_000

/** Asks a Redis whether it is there; answers its version, or null where it does not tell. Throws when it does not answer in time. */
export async function pingRedis(url: string): Promise<string | null> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: LIMIT_MS,
    commandTimeout: LIMIT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  // Of a connection that cannot be made, ioredis rejects with "closed" and emits why.
  let why: Error | null = null
  redis.on('error', (error: Error) => (why = error))
  try {
    await redis.connect()
    await redis.ping()
    const info = await redis.info('server').catch(() => '')
    return /^redis_version:([\w.-]{1,40})/m.exec(info)?.[1] ?? null
  } catch (error) {
    throw why ?? error
  } finally {
    redis.disconnect()
  }
}
