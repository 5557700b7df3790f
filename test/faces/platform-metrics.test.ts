import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { measurePlatform } from '../../src/faces/http/platform-metrics.ts'
import { openDatabase } from '../../src/store/database.ts'
import { ask, boxes, budget, create, idOf, openHouse } from '../support/house.ts'

const house = await openHouse()
await house.apply([boxes, budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '100.00' }")].join('\n---\n'))
const ann = await house.person('ann@example.com')

test('a scrape shows the queue, the branches and the budgets, and names no team, budget or amount', async () => {
  const registry = new Registry()
  const read = measurePlatform(registry, house.context)
  idOf(await ask(house, ann, [create('a', 83)]))
  await read()
  const text = await registry.metrics()

  expect(text).toContain('purser_database_up 1')
  expect(text).toContain('purser_queue_up 1')
  expect(text).toContain('purser_requests_open{state="queued"} 1')
  expect(text).toMatch(/^purser_branch_state\{repository="(embedded|[0-9a-f]{8})",branch="main",state="ok"\} 1$/m)
  expect(text).toMatch(/^purser_branch_deliveries\{.*\} 1$/m)
  expect(text).toContain('purser_budgets_used{at_least="0.8"} 1')
  expect(text).toContain('purser_budget_use_max_ratio 0.83')
  expect(text).toContain('purser_events_total{type="request.committed"} 0')
  expect(text).not.toMatch(/\bred\b|83\.00|file:|ann@/)
})

test('while the database is away, the scrape says so, and shows no number that may be old', async () => {
  const gone = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', poolSize: 1, onIdleError: () => undefined })
  const registry = new Registry()
  await measurePlatform(registry, { database: gone, hints: { ...house.context.hints, fault: 'lost' } })()
  const lines = (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#') && !line.startsWith('purser_events_total'))

  expect(lines.filter((line) => line !== '')).toEqual(['purser_queue_up 0', 'purser_database_up 0'])
  await gone.close()
})

test('every name is one of Prometheus’s kind, with its unit, and says what it is', async () => {
  const registry = new Registry()
  measurePlatform(registry, house.context)
  for (const { name, help } of await registry.getMetricsAsJSON()) {
    expect(name).toMatch(/^purser_[a-z_]+$/)
    if (/age/.test(name)) expect(name).toMatch(/_age_seconds$/)
    expect(help.length).toBeGreaterThan(10)
  }
})
