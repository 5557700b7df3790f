import type pg from 'pg'
import { expect, test } from 'vitest'
import { openAdmission } from '../../src/store/admission.ts'
import { ask, boxes, create, openHouse, outcomeOf } from '../support/house.ts'

const house = await openHouse()
await house.apply(boxes)
const ann = await house.person('ann@example.com')

/** The sizes of the batches that leave, as the database gets them. */
function watched(): { readonly context: typeof house.context; readonly batches: { readonly count: number; readonly chars: number }[] } {
  const batches: { count: number; chars: number }[] = []
  const { pool } = house.context.database
  const watching = {
    query: (statement: { values: readonly string[] }) => {
      const [submits = '[]'] = statement.values
      batches.push({ count: (JSON.parse(submits) as readonly unknown[]).length, chars: submits.length })
      return pool.query(statement as unknown as pg.QueryConfig)
    },
  } as unknown as pg.Pool // Of a pool, admission uses `query` alone.
  return { context: { ...house.context, admission: openAdmission(watching) }, batches }
}

test('small submits that arrive together leave together', async () => {
  const { context, batches } = watched()

  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, i) => ask({ context }, ann, [create(`small-${i}`, 1)])))

  expect(outcomes.map(outcomeOf)).toEqual(outcomes.map(() => 'queued'))
  expect(Math.max(...batches.map((b) => b.count))).toBeGreaterThan(4)
})

test('large submits that arrive together do not: each of their keys is a lock, and the database has room for so many', async () => {
  const { context, batches } = watched()
  const changes = (name: string) => Array.from({ length: 50 }, (_, i) => create(`${name}-${i}`, 1, { note: 'x'.repeat(200) }))

  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, i) => ask({ context }, ann, changes(`large-${i}`))))

  expect(outcomes.map(outcomeOf)).toEqual(outcomes.map(() => 'queued'))
  expect(batches.filter((b) => b.count > 1 && b.chars > 513 * 1024)).toEqual([])
})
