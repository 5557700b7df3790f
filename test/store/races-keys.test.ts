import { afterEach, describe, expect, test } from 'vitest'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf, type Change } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { openSessions } from '../support/sessions.ts'

/** What two sessions may both want: a key, a name, an object. */
const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const [first, second] = await openSessions(house, 2)
if (first === undefined || second === undefined) throw new Error('two sessions')
const flag = `
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: flag }
spec:
  version: 1.0.0
  parameters: { type: object, required: [text], properties: { text: { type: string, maxLength: 20 } } }
  price: free
  manifests: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: 'flag-\${parameters.text}', namespace: '\${environment.namespace}' } }]`
const budgets = ['{ team: red }', '{ environment: lab }', '{ team: red, environment: lab }', '{}', '{ team: blue }'].map((scope, i) =>
  budget(`b${i}`, `{ scope: ${scope}, limit: '4000.00' }`),
)
await house.apply([boxes, flag, ...budgets].join('\n---\n'))
const ann = await house.person('ann@example.com')
const raise = (name: string, text: string): Change => ({ action: 'create', blueprint: 'flag', name, parameters: { text } })

afterEach(async () => {
  expect(await purse.discrepancies()).toEqual([])
})

describe('one Idempotency-Key in two sessions', () => {
  test('is one request: the second waits, and repeats the answer of the first', async () => {
    await first.begin()
    const one = await ask(first, ann, [create('a', 1)], { key: 'one' })
    const late = ask(second, ann, [create('a', 1)], { key: 'one' })
    await second.untilBlockedBy(first)
    await first.commit()

    const again = await late
    expect([one.replayed, again.replayed]).toEqual([false, true])
    expect(again.answer).toEqual(one.answer)
    expect(await purse.query("select from request where idempotency_key = 'one'")).toHaveLength(1)
  })

  test('with another body is refused once the first is there', async () => {
    await first.begin()
    idOf(await ask(first, ann, [create('b', 1)], { key: 'two' }))
    const late = ask(second, ann, [create('c', 1)], { key: 'two' })
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('idempotency-key-reused')
  })

  test('is free again when the first came to nothing', async () => {
    await first.begin()
    idOf(await ask(first, ann, [create('d', 1)], { key: 'three' }))
    const late = ask(second, ann, [create('d', 1)], { key: 'three' })
    await second.untilBlockedBy(first)
    await first.rollback()

    const answered = await late
    expect([outcomeOf(answered), answered.replayed]).toEqual(['queued', false])
  })

  test('of two callers is two keys', async () => {
    const amy = await house.person('amy@example.com')
    idOf(await ask(house, ann, [create('g', 1)], { key: 'four' }))
    const other = await ask(house, amy, [create('h', 1)], { key: 'four' })

    expect([outcomeOf(other), other.replayed]).toEqual(['queued', false])
  })
})

describe('one name or object in two sessions', () => {
  test('the second waits, and finds the resource busy', async () => {
    await first.begin()
    const one = idOf(await ask(first, ann, [create('e', 1)]))
    const late = ask(second, ann, [create('e', 2)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect((await late).answer).toMatchObject({ ok: false, problem: { code: 'resource-busy', requestId: one } })
  })

  test('the second gets the name when the first is rolled back', async () => {
    await first.begin()
    idOf(await ask(first, ann, [create('f', 1)]))
    const late = ask(second, ann, [create('f', 2)])
    await second.untilBlockedBy(first)
    await first.rollback()

    expect(outcomeOf(await late)).toBe('queued')
  })

  test('one object has one resource, whatever the resources are called', async () => {
    await first.begin()
    idOf(await ask(first, ann, [raise('flag-3', 'same')]))
    const late = ask(second, ann, [raise('flag-4', 'same')])
    await second.untilBlockedBy(first)
    await first.commit()

    expect((await late).answer).toMatchObject({ ok: false, problem: { code: 'object-exists', object: 'ConfigMap flag-same in red-lab' } })
  })
})
