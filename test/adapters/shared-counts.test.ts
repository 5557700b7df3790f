import { afterAll, describe, expect, test, vi } from 'vitest'
import { openSharedCounts } from '../../src/adapters/redis/shared-counts.ts'
import { openLimiter } from '../../src/faces/http/limiter.ts'
import { freePort, hasRedis, redisServer } from './redis-server.ts'

const warned: string[] = []
const log = { warn: (_: object, message: string) => void warned.push(message) }

describe.skipIf(!hasRedis())('on a Redis', async () => {
  const server = redisServer(await freePort())
  await server.start()
  const [one, two] = [openSharedCounts(server.url, log), openSharedCounts(server.url, log)]
  afterAll(async () => {
    await Promise.all([one.close(), two.close()])
    await server.stop()
  })
  const add = (shared: typeof one, key: string, count: number, windowMs = 60_000) =>
    vi.waitFor(() => shared.add([{ key, count }], windowMs), { interval: 20, timeout: 5_000 })

  test('processes add to one count, key by key, and its window begins with the first', async () => {
    expect(await add(one, 'a', 3)).toEqual([{ count: 3, msLeft: 60_000 }])
    const [both] = await add(two, 'a', 4, 90_000)

    expect(both?.count).toBe(7)
    expect(both?.msLeft).toBeLessThanOrEqual(60_000)
    expect((await add(one, 'b', 1))[0]?.count).toBe(1)
  })

  test('a count is forgotten with its window', async () => {
    await add(one, 'short', 5, 30)

    await vi.waitFor(async () => expect((await add(one, 'short', 1, 30))[0]?.count).toBe(1), { interval: 40 })
  })

  test('two replicas let through together what one may, and a moment more', async () => {
    const limiters = [one, two].map((shared) => openLimiter({ name: 'replicas', max: 100, windowMs: 60_000, shared }))
    let through = 0
    const ask = () => limiters.forEach((limiter) => (through += limiter.count('caller').allowed ? 1 : 0))

    await vi.waitFor(
      () => {
        ask()
        expect(limiters.map((limiter) => limiter.count('caller').allowed)).toEqual([false, false])
      },
      { interval: 5, timeout: 10_000 },
    )

    // Each alone would have let through a hundred.
    expect(through).toBeLessThan(180)
  })

  test('while it is away nobody is told, at once and without a word more than one', async () => {
    await server.stop()
    await vi.waitFor(() => expect(warned.length).toBeGreaterThan(0), { timeout: 5_000 })
    const before = warned.length

    await expect(one.add([{ key: 'a', count: 1 }], 1_000)).rejects.toThrow()
    await expect(two.add([{ key: 'a', count: 1 }], 1_000)).rejects.toThrow()
    expect(warned.length).toBeLessThanOrEqual(Math.max(before, 2))

    await server.start()
    expect((await add(one, 'back', 1))[0]?.count).toBe(1)
  })
})
