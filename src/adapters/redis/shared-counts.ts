import { Redis } from 'ioredis'
import type { SharedCounts } from '../../operations/ports.ts'

/** Adds, and begins the window where there is none; answers the total and the rest of the window. */
const ADD = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return { count, left }`

/** Counts are worth a short wait only: what is not told now is counted in each process by itself. */
const PATIENCE_MS = 250

/** Counts that the replicas on one Redis share. */
export function openSharedCounts(url: string, log: { warn(data: object, message: string): void }): SharedCounts {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: PATIENCE_MS,
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(times * 100, 5_000),
  })
  let well = true
  redis.on('ready', () => (well = true))
  redis.on('error', (err: Error) => {
    if (well) log.warn({ err }, 'limits are counted by each process for itself: Redis is away')
    well = false
  })
  redis.defineCommand('purserAdd', { numberOfKeys: 1, lua: ADD })
  return {
    async add(counts, windowMs) {
      if (redis.status !== 'ready') throw new Error('Redis is away')
      const pipeline = redis.pipeline() as unknown as Pipeline // With the command that is defined above.
      for (const { key, count } of counts) pipeline.purserAdd(`purser:rate:${key}`, count, windowMs)
      const answers = await pipeline.exec()
      return (answers ?? []).map(([error, answer]) => {
        if (error !== null || !Array.isArray(answer)) throw error ?? new Error('Redis answered no count')
        const [count, msLeft] = answer.map(Number)
        return { count: count ?? 0, msLeft: msLeft ?? windowMs }
      })
    },
    async close() {
      redis.disconnect()
    },
  }
}

type Pipeline = {
  purserAdd(key: string, count: number, windowMs: number): unknown
  exec(): Promise<readonly (readonly [Error | null, unknown])[] | null>
}
