import { afterAll, describe, expect, test } from 'vitest'
import { pingRedis } from '../../src/adapters/queue/ping.ts'
import { hasRedis, redisServer } from './redis-server.ts'

test('a Redis that is not there is told in words', async () => {
  await expect(pingRedis('redis://127.0.0.1:1')).rejects.toThrow(/ECONNREFUSED/)
})

describe.skipIf(!hasRedis())('a real Redis', () => {
  const redis = redisServer()
  afterAll(() => redis.stop())

  test('answers with its version', async () => {
    await redis.start()

    expect(await pingRedis(redis.url)).toMatch(/^\d+\.\d+/)
  })
})
