import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { approveRequest, rejectRequest } from '../../src/operations/decide-request.ts'
import type { Caller } from '../../src/operations/caller.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { ask, boxes, budget, create, idOf, openHouse, type Process } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { openSessions } from '../support/sessions.ts'
import { requestId } from '../support/delivery.ts'
import { idToUuid } from '../../src/core/ids.ts'

/** Votes that meet votes, cancellations and documents: the first has not committed yet when the second comes. */
const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const [first, second] = await openSessions(house, 2)
if (first === undefined || second === undefined) throw new Error('two sessions')
await house.apply(`${boxes}\n---\n${budget('purse', "{ scope: { team: red }, limit: '100000.00' }")}`)
const ann = await house.person('ann@example.com')
const bob = await house.person('bob@example.com')
const bea = await house.person('bea@example.com')

let id = ''
let serial = 0

beforeEach(async () => {
  id = idOf(await ask(house, ann, [create(`huge-${++serial}`, 700)]))
})

afterEach(async () => {
  expect(await purse.discrepancies()).toEqual([])
})

async function approve(process: Process, voter: Caller) {
  const read = await readRequest(house.context, ann, id)
  const plan = read.ok ? (read.value['plan'] as { digest: string }) : { digest: '' }
  return approveRequest(process.context, voter, id, { planDigest: plan.digest })
}

async function deliveries(): Promise<number> {
  return (await purse.query('select from delivery where request_id = $1', [idToUuid(requestId(id))])).length
}

const released = { ok: true, value: { state: 'queued' } }
const waiting = { ok: true, value: { state: 'pending_approval' } }

describe('two votes at once', () => {
  test('that are enough together release once: the second counts the first, and makes the one delivery', async () => {
    await first.begin()
    expect(await approve(first, bob)).toMatchObject(waiting)
    const late = approve(second, bea)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject(released)
    expect(await deliveries()).toBe(1)
  })

  test('of which the first is rolled back release nothing', async () => {
    await first.begin()
    expect(await approve(first, bob)).toMatchObject(waiting)
    const late = approve(second, bea)
    await second.untilBlockedBy(first)
    await first.rollback()

    expect(await late).toMatchObject(waiting)
    expect(await deliveries()).toBe(0)
  })

  test('by one person are one vote', async () => {
    await first.begin()
    expect(await approve(first, bob)).toMatchObject(waiting)
    const late = approve(second, bob)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: true, value: { state: 'pending_approval', approvals: [{ by: 'bob@example.com' }] } })
  })

  test('of which the first rejects leave nothing to approve', async () => {
    await approve(house, bob)
    await first.begin()
    expect(await rejectRequest(first.context, bob, id, { comment: 'no' })).toMatchObject({ ok: true, value: { state: 'rejected' } })
    const late = approve(second, bea)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'rejected' } })
    expect(await deliveries()).toBe(0)
  })

  test('of which the first releases leave nothing to reject', async () => {
    await approve(house, bob)
    await first.begin()
    expect(await approve(first, bea)).toMatchObject(released)
    const late = rejectRequest(second.context, bob, id, { comment: 'no' })
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'queued' } })
    expect(await deliveries()).toBe(1)
  })
})

describe('a vote and a cancellation at once', () => {
  test('what is cancelled first is not released', async () => {
    await approve(house, bob)
    await first.begin()
    expect(await cancelRequest(first.context, ann, id)).toMatchObject({ ok: true, value: { state: 'cancelled' } })
    const late = approve(second, bea)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'cancelled' } })
    expect(await deliveries()).toBe(0)
  })

  test('what is released first can still be cancelled, its delivery with it', async () => {
    await approve(house, bob)
    await first.begin()
    expect(await approve(first, bea)).toMatchObject(released)
    const late = cancelRequest(second.context, ann, id)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: true, value: { state: 'cancelled' } })
    expect(
      await purse.query('select finished_at is not null as finished, claimed_at from delivery where request_id = $1', [
        idToUuid(requestId(id)),
      ]),
    ).toEqual([{ finished: true, claimed_at: null }])
  })

  test('what is rejected first has freed its money once', async () => {
    const before = await purse.counters('purse')
    await first.begin()
    await rejectRequest(first.context, bob, id, { comment: 'no' })
    const late = cancelRequest(second.context, ann, id)
    await second.untilBlockedBy(first)
    await first.commit()

    expect(await late).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'rejected' } })
    expect(Number(/\+(\d+)/.exec(before)?.[1]) - Number(/\+(\d+)/.exec(await purse.counters('purse'))?.[1])).toBe(70_000)
  })
})
