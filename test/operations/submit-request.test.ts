import { describe, expect, test } from 'vitest'
import { readRequest } from '../../src/operations/read-requests.ts'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf } from '../support/house.ts'

const house = await openHouse()
await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '2000.00' }")}`)
const ann = await house.person('ann@example.com')

describe('submit', () => {
  test('an allowed request is queued with its budget reserved, and a hint is given', async () => {
    const submitted = await ask(house, ann, [create('one', 5)])

    expect(submitted.answer).toMatchObject({
      ok: true,
      value: {
        state: 'queued',
        team: 'red',
        cost: { monthlyDelta: '5.00', currency: 'EUR' },
        budgets: [{ name: 'red-lab', reserved: '5.00', remaining: '1995.00' }],
        requester: { subject: 'ann@example.com', kind: 'person', via: null },
      },
    })
    expect(house.hinted).toHaveLength(1)
    const read = await readRequest(house.context, ann, idOf(submitted))
    expect(read).toEqual(submitted.answer)
  })

  test('a secret for a key is refused and not kept: keys stay with their requests for ever', async () => {
    const submitted = await ask(house, ann, [create('keyed', 5)], { key: `ghp_${'a1B2'.repeat(9)}` })

    expect(submitted.answer).toMatchObject({
      ok: false,
      problem: { code: 'plaintext-secret', errors: [{ pointer: '/idempotencyKey' }] },
    })
  })

  test('what policy denies is recorded, with its reasons', async () => {
    const submitted = await ask(house, ann, [create('bad', 13)])

    expect(submitted.answer).toMatchObject({
      ok: false,
      problem: {
        code: 'policy-denied',
        violations: [{ policy: 'boxes', rule: 'not-13', message: 'Thirteen is out (13)', remedy: 'Take twelve' }],
      },
    })
    const id = submitted.answer.ok ? '' : 'requestId' in submitted.answer.problem ? (submitted.answer.problem.requestId ?? '') : ''
    expect(await readRequest(house.context, ann, id)).toMatchObject({
      ok: true,
      value: { state: 'denied', problem: { code: 'policy-denied' }, changes: [{ resource: { id: null, name: 'bad' } }] },
    })
  })

  test('what no budget covers says how much is missing, and reserves nothing', async () => {
    const submitted = await ask(house, ann, [
      create('dear', 400),
      create('dear2', 400),
      create('dear3', 400),
      create('dear4', 400),
      create('dear5', 499),
    ])

    expect(submitted.answer).toMatchObject({
      ok: false,
      problem: { code: 'budget-exceeded', budgets: [{ name: 'red-lab', requested: 209900n, shortfall: 10400n }] },
    })
  })

  test('a name that is taken is refused: busy while its create is open', async () => {
    expect(outcomeOf(await ask(house, ann, [create('one', 6)]))).toBe('resource-busy')
  })

  test('the same key replays the same answer, and another body is refused', async () => {
    const first = await ask(house, ann, [create('two', 7)], { key: 'k' })
    const again = await ask(house, ann, [create('two', 7)], { key: 'k' })

    expect(again.answer).toEqual(first.answer)
    expect([first.replayed, again.replayed]).toEqual([false, true])
    expect(outcomeOf(await ask(house, ann, [create('two', 8)], { key: 'k' }))).toBe('idempotency-key-reused')
  })

  test('submits that arrive together do not disturb each other', async () => {
    const together = await Promise.all([
      ...Array.from({ length: 40 }, (_, i) => ask(house, ann, [create(`t${i}`, 1)])),
      ask(house, ann, [create('t1', 1)]),
      ask(house, ann, [create('u2', 13)]),
      ask(house, ann, [create('t3', 1)], { key: 'same' }),
      ask(house, ann, [create('t3', 1)], { key: 'same' }),
    ])

    const counts: Record<string, number> = {}
    for (const submitted of together) counts[outcomeOf(submitted)] = (counts[outcomeOf(submitted)] ?? 0) + 1
    expect(counts).toEqual({ queued: 40, 'resource-busy': 3, 'policy-denied': 1 })
  })

  test('the same key replays the same answer when it could not be asked for any more', async () => {
    const big = [create('big', 300)]
    const first = await ask(house, ann, big, { key: 'then' })
    await house.apply(boxes.replace('version: 1.0.0', 'version: 1.1.0').replace('maximum: 100000', 'maximum: 200'))

    expect(outcomeOf(await ask(house, ann, [create('other', 300)], { key: 'now' }))).toBe('invalid-parameters')
    expect(await ask(house, ann, big, { key: 'then' })).toEqual({ answer: first.answer, replayed: true })
    expect(outcomeOf(await ask(house, ann, [create('other', 300)], { key: 'then' }))).toBe('idempotency-key-reused')
  })
})
