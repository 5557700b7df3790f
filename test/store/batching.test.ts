import { describe, expect, test, vi } from 'vitest'
import { Fault } from '../../src/core/fault.ts'
import { openBatches } from '../../src/store/batching.ts'

/** Doubles numbers when it is let go on; remembers what came together. */
function doubling(failure: (items: readonly number[]) => Error | null = () => null) {
  const batches: (readonly number[])[] = []
  const ask = openBatches({
    calls: 2,
    most: 3,
    waiting: 6,
    heaviest: 100,
    weigh: (item: number) => item,
    async run(items) {
      batches.push(items)
      const error = failure(items)
      if (error !== null) throw error
      return items.map((item) => item * 2)
    },
  })
  return { ask, batches }
}

describe('what arrives together', () => {
  test('leaves together, as many at once as may, and each gets its own answer', async () => {
    const { ask, batches } = doubling()

    const answers = await Promise.all([1, 2, 3, 4, 5].map(ask))

    expect(answers).toEqual([2, 4, 6, 8, 10])
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ])
  })

  test('leaves apart where it is too heavy together, in its order', async () => {
    const { ask, batches } = doubling()

    expect(await Promise.all([60, 60, 200, 1].map(ask))).toEqual([120, 120, 400, 2])
    expect(batches).toEqual([[60], [60], [200], [1]])
  })

  test('fails alone: what cannot be done takes no neighbour with it', async () => {
    const { ask } = doubling((items) => (items.includes(2) ? new Error('not two') : null))

    const answers = await Promise.allSettled([1, 2, 3].map(ask))

    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'failed'))).toEqual([2, 'failed', 6])
  })

  test('is told together that the database is away, which is asked once', async () => {
    const { ask, batches } = doubling(() => new Fault('wait', 'away'))

    const answers = await Promise.allSettled([1, 2, 3].map(ask))

    expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(batches).toHaveLength(1)
  })

  test('waits behind no call that hangs, as long as another may be made', async () => {
    const hung: number[] = []
    const ask = openBatches({
      calls: 2,
      most: 3,
      waiting: 6,
      run: (items: readonly number[]) => {
        if (!items.includes(1)) return Promise.resolve(items)
        hung.push(...items)
        return new Promise<readonly number[]>(() => undefined)
      },
    })

    void ask(1)
    await vi.waitUntil(() => hung.length > 0)

    expect(await ask(2)).toBe(2)
    expect(await ask(3)).toBe(3)
  })

  test('is refused where more wait than may', async () => {
    const { ask } = doubling()

    const answers = await Promise.allSettled([1, 2, 3, 4, 5, 6, 7].map(ask))

    expect(answers.map((answer) => answer.status)).toEqual([...Array.from({ length: 6 }, () => 'fulfilled'), 'rejected'])
    expect(answers[6]).toMatchObject({ reason: { kind: 'wait' } })
  })
})
