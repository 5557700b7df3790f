import { expect, test } from 'vitest'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, remove, update } from '../support/house.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
await house.apply(
  [
    boxes,
    budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '100.00', alertAt: [50, 80, 100] }"),
    budget('few', '{ scope: { environment: lab }, measure: count, limit: 4, alertAt: [50] }'),
  ].join('\n---\n'),
)
const ann = await house.person('ann@example.com')
const { pool } = house.context.database

/** What was crossed since it was asked last. */
let seen = 0
async function crossed(): Promise<string[]> {
  const page = await listEvents(house.context, house.administrator, { type: 'dev.purser.budget.alert.v1' }, { first: 200, after: null })
  const all = page.ok ? page.value.items : []
  const fresh = all.slice(seen)
  seen = all.length
  return fresh.map(
    (event) => `${textOf(event['subject'])} ${(event['data'] as { percent: number }).percent} of ${textOf(event['team'] ?? 'all')}`,
  )
}

test('a threshold that is crossed gives one event, however it is crossed, and another one when it is crossed again', async () => {
  idOf(await ask(house, ann, [create('a', 49)]))
  expect(await crossed()).toEqual([])

  idOf(await ask(house, ann, [create('b', 1)]))
  expect((await crossed()).sort()).toEqual(['few 50 of all', 'red-lab 50 of red'])

  await commitAll(pool)
  expect(await crossed()).toEqual([])

  const jump = idOf(await ask(house, ann, [update('b', 51)]))
  expect(await crossed()).toEqual(['red-lab 80 of red', 'red-lab 100 of red'])

  await cancelRequest(house.context, ann, jump)
  idOf(await ask(house, ann, [update('b', 31)]))
  expect(await crossed()).toEqual(['red-lab 80 of red'])

  await commitAll(pool)
  idOf(await ask(house, ann, [remove('b')]))
  await commitAll(pool)
  idOf(await ask(house, ann, [create('c', 2)]))
  expect((await crossed()).sort()).toEqual(['few 50 of all', 'red-lab 50 of red'])
})

test('submits that arrive together cross it once', async () => {
  await Promise.all(Array.from({ length: 2 }, (_, i) => ask(house, ann, [create(`t${i}`, 20)])))

  expect(await crossed()).toEqual(['red-lab 80 of red'])
})

test('what is refused crosses nothing', async () => {
  await ask(house, ann, [create('z', 1000)])

  expect(await crossed()).toEqual([])
})

test('a limit that comes down crosses what it falls below, and a budget that opens what lives already', async () => {
  await house.apply(budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '90.00', alertAt: [50, 80, 100] }"))
  const lowered = await crossed()
  await house.apply(budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '5000.00', alertAt: [50, 80, 100] }"))
  const raised = await crossed()
  await house.apply(budget('opened', "{ scope: { team: red }, limit: '100.00', alertAt: [80, 100] }"))

  expect(lowered).toEqual(['red-lab 100 of red'])
  expect(raised).toEqual([])
  expect(await crossed()).toEqual(['opened 80 of red'])
})
