import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { openLimiter } from '../../src/faces/http/limiter.ts'
import type { SharedCounts } from '../../src/operations/ports.ts'

const MINUTE_MS = 60_000
const alone = (max: number, windowMs = MINUTE_MS) => openLimiter({ name: 'test', max, windowMs, shared: null })

describe('a limiter', () => {
  test('lets through as many as fit, of each key for itself, and says how many are left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 80 }), (max, keys) => {
        const limiter = alone(max)
        const before = new Map<string, number>()
        for (const key of keys) {
          const used = before.get(key) ?? 0
          before.set(key, used + 1)
          const { allowed, remaining } = limiter.count(key)

          expect({ allowed, remaining }).toEqual({ allowed: used < max, remaining: Math.max(0, max - used - 1) })
        }
      }),
    )
  })

  test('never tells anybody to wait for longer than its window', () => {
    const limiter = alone(1, 1_000)
    const told = new Set(Array.from({ length: 20_000 }, (_, i) => limiter.count(`key ${i}`).resetS))

    expect([...told]).toEqual([1])
  })

  test('begins anew when the window is over', async () => {
    const limiter = alone(1, 30)
    limiter.count('a')

    expect(limiter.count('a').allowed).toBe(false)
    await vi.waitFor(() => expect(limiter.count('a').allowed).toBe(true), { interval: 10 })
  })

  test('keeps no more windows than it has room for: whoever comes from ever new addresses pushes out the oldest', () => {
    const limiter = alone(1)
    for (let i = 0; i <= 100_000; i++) limiter.count(`address ${i}`)

    expect(limiter.count('address 100000').allowed).toBe(false)
    expect(limiter.count('address 0').allowed).toBe(true)
  })
})

/** What the real one does with a Redis: test/adapters/shared-counts.test.ts holds them to the same. */
function openTogether(): SharedCounts & { away: boolean; calls: number } {
  const totals = new Map<string, number>()
  return {
    away: false,
    calls: 0,
    async add(counts, windowMs) {
      this.calls++
      if (this.away) throw new Error('nobody is there')
      return counts.map(({ key, count }) => {
        const total = (totals.get(key) ?? 0) + count
        totals.set(key, total)
        return { count: total, msLeft: windowMs }
      })
    },
    close: async () => undefined,
  }
}

describe('limiters of two processes', () => {
  const pair = (max: number, shared: SharedCounts) =>
    [0, 1].map(() => openLimiter({ name: 'test', max, windowMs: MINUTE_MS, shared })) as [
      ReturnType<typeof alone>,
      ReturnType<typeof alone>,
    ]

  test('know a moment later what the other let through', async () => {
    const [one, two] = pair(10, openTogether())
    for (let i = 0; i < 9; i++) one.count('a')

    // The first of the other may be its tenth, or come before it knew; from then on there is none.
    await vi.waitFor(() => expect(two.count('a').allowed).toBe(false), { interval: 30 })
    await vi.waitFor(() => expect(one.count('a').allowed).toBe(false), { interval: 30 })
  })

  test('tell each key once, however often it was counted', async () => {
    const shared = openTogether()
    const [one] = pair(1_000, shared)
    for (let i = 0; i < 500; i++) one.count(`key ${i % 5}`)
    await vi.waitFor(() => expect(shared.calls).toBe(1))
  })

  test('count each for itself while there is nobody to tell, and nobody waits', async () => {
    const shared = openTogether()
    shared.away = true
    const [one, two] = pair(3, shared)
    const counted = () => [one.count('a').allowed, two.count('a').allowed]

    expect([counted(), counted(), counted(), counted()]).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [false, false],
    ])
    await vi.waitFor(() => expect(shared.calls).toBe(2))
  })
})
