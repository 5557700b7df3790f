import { describe, expect, test } from 'vitest'
import type { Caller } from '../../src/operations/caller.ts'
import { approveRequest, rejectRequest } from '../../src/operations/decide-request.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { retryRequest } from '../../src/operations/retry-request.ts'
import { claim, commitAll, failClaimed } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf, remove, update, type Change } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '100000.00' }")}`)
const names = ['ann', 'amy', 'ove', 'vic', 'bob', 'bea', 'zed'] as const
const people = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, await house.person(`${name}@example.com`)] as const)),
) as Record<(typeof names)[number], Caller>
const { ann, amy, ove, vic, bob, bea, zed } = people
const { pool } = house.context.database

let serial = 0
const fresh = () => `r${++serial}`
const retry = (caller: Caller, id: string, key: string | null = null) => retryRequest(house.context, caller, id, key)

/** A request of ann's that a hook refused. */
async function failed(...changes: readonly Change[]): Promise<string> {
  await commitAll(pool)
  const id = idOf(await ask(house, ann, changes))
  await claim(pool)
  expect(await failClaimed(pool, id)).toBe(true)
  return id
}

async function rejected(...changes: readonly Change[]): Promise<string> {
  const id = idOf(await ask(house, ann, changes))
  expect(await rejectRequest(house.context, bob, id, { comment: 'not now' })).toMatchObject({ ok: true })
  return id
}

async function shown(id: string): Promise<Record<string, unknown>> {
  const read = await readRequest(house.context, house.administrator, id)
  if (!read.ok) throw new Error(read.problem.code)
  return read.value
}

async function parametersOf(id: string): Promise<unknown> {
  const [change] = (await shown(id))['changes'] as { parameters: unknown }[]
  return change?.parameters
}

describe('a request is tried again', () => {
  test('as a new one that names the first, with an event of its own and its money reserved', async () => {
    const id = await failed(create(fresh(), 7))
    const before = await purse.counters('red-lab')

    const second = await retry(ann, id)

    expect(second.answer).toMatchObject({
      ok: true,
      value: { state: 'queued', retryOf: id, reason: 'test', requester: { subject: ann.subject } },
    })
    expect(await purse.counters('red-lab')).not.toBe(before)
    expect(await shown(idOf(second))).toMatchObject({ retryOf: id })
    expect(await shown(id)).toMatchObject({ state: 'failed', retryOf: null })
    const events = await listEvents(house.context, house.administrator, { subject: idOf(second) }, { first: 5, after: null })
    expect(events.ok ? events.value.items.map((event) => textOf(event['type'])) : []).toEqual(['dev.purser.request.submitted.v1'])
  })

  test('after a rejection it is decided afresh: nobody has approved it yet', async () => {
    const second = await retry(ann, await rejected(create(fresh(), 600)))

    expect(second.answer).toMatchObject({ ok: true, value: { state: 'pending_approval', approvals: [] } })
  })

  test('on the rules of now, not of then', async () => {
    const id = await failed(create(fresh(), 41))
    await house.apply(
      '{ apiVersion: purser.dev/v1, kind: Policy, metadata: { name: later }, spec: { match: { blueprints: [box] }, rules: [{ name: not-41, when: \'action != "delete" && parameters.units == 41\', effect: deny, message: no }] } }',
    )

    expect(outcomeOf(await retry(ann, id))).toBe('policy-denied')
  })

  test('of an update by what was meant: what others changed meanwhile stays', async () => {
    const name = fresh()
    await ask(house, ann, [create(name, 5, { note: 'old' })])
    const id = await failed(update(name, 9))
    await ask(house, ann, [{ action: 'update', name, parameters: { note: 'new' } }])
    await commitAll(pool)

    const second = await retry(ann, id)

    expect(await parametersOf(idOf(second))).toEqual({ units: 9, note: 'new' })
  })

  test('of a removed parameter: it is removed', async () => {
    const name = fresh()
    await ask(house, ann, [create(name, 5, { note: 'old' })])
    const id = await failed({ action: 'update', name, parameters: { note: null } })

    expect(await parametersOf(idOf(await retry(ann, id)))).toEqual({ units: 5 })
  })

  test('and again, when the second came to nothing either', async () => {
    const second = idOf(await retry(ann, await rejected(create(fresh(), 600))))
    await rejectRequest(house.context, bob, second, { comment: 'still not' })

    expect((await retry(ann, second)).answer).toMatchObject({ ok: true, value: { retryOf: second } })
  })

  test('of a deletion', async () => {
    const name = fresh()
    await ask(house, ann, [create(name, 5)])

    expect((await retry(ann, await failed(remove(name)))).answer).toMatchObject({ ok: true, value: { changes: [{ action: 'delete' }] } })
  })
})

describe('asked twice, it is one', () => {
  test('with the same key the answer is the same, and no third request is there', async () => {
    const id = await failed(create(fresh(), 7))
    const [one, two] = [await retry(ann, id, 'k1'), await retry(ann, id, 'k1')]

    expect(two).toEqual({ answer: one.answer, replayed: true })
  })

  test('a key stands for one request: neither a submit nor another retry may have it', async () => {
    const [first, other] = [await failed(create(fresh(), 7)), await failed(create(fresh(), 7))]
    await retry(ann, first, 'k2')

    expect(outcomeOf(await retry(ann, other, 'k2'))).toBe('idempotency-key-reused')
    expect(outcomeOf(await ask(house, ann, [create(fresh(), 7)], { key: 'k2' }))).toBe('idempotency-key-reused')
  })

  test('without a key the second finds the resource busy', async () => {
    const id = await failed(create(fresh(), 7))
    await retry(ann, id)

    expect(outcomeOf(await retry(ann, id))).toBe('resource-busy')
  })
})

describe('who may try again', () => {
  test.each([
    ['an owner of its team', () => ove],
    ['an administrator', () => house.administrator],
  ])('%s', async (_, caller) => {
    const second = await retry(caller(), await failed(create(fresh(), 7)))

    expect(second.answer).toMatchObject({ ok: true, value: { requester: { subject: caller().subject } } })
  })

  test.each([
    ['another developer of its team', amy, 'role owner in team red'],
    ['a viewer of its team', vic, 'role owner in team red'],
    ['whoever rejected it', bob, 'role owner in team red'],
    ['its requester without the scope', { ...ann, scopes: new Set<never>(['read' as never]) }, 'scope requests:write'],
  ] satisfies [string, Caller, string][])('not %s, and the log says so', async (_, caller, needs) => {
    const id = await rejected(create(fresh(), 600))

    expect((await retry(caller, id)).answer).toMatchObject({ ok: false, problem: { code: 'forbidden', needs } })
    const events = await listEvents(house.context, house.administrator, { subject: id }, { first: 9, after: null })
    expect(events.ok ? events.value.items.at(-1) : null).toMatchObject({
      type: 'dev.purser.access.refused.v1',
      actor: { subject: caller.subject },
    })
  })

  test('not who may not know of it: to them it does not exist', async () => {
    const id = await rejected(create(fresh(), 600))
    for (const text of [id, 'req_01h455vb4pex5vsknk084sn02q', 'nonsense']) {
      expect((await retry(zed, text)).answer).toEqual({ ok: false, problem: { code: 'not-found' } })
    }
  })

  test('whoever asked first cannot approve what an owner asks again', async () => {
    await house.apply(
      '{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: blue }, spec: { members: [{ user: bob@example.com, role: approver }, { user: bea@example.com, role: approver }, { user: ann@example.com, role: approver }] } }',
    )
    const second = await retry(ove, await rejected(create(fresh(), 600)))
    const digest = textOf(((await shown(idOf(second)))['plan'] as { digest: string }).digest)

    expect(await approveRequest(house.context, ann, idOf(second), { planDigest: digest })).toMatchObject({
      problem: { code: 'own-request' },
    })
    expect(await approveRequest(house.context, bea, idOf(second), { planDigest: digest })).toMatchObject({
      ok: true,
      value: { state: 'queued' },
    })
  })
})

test.each(['queued', 'pending_approval', 'committed', 'denied'])('what is %s cannot be tried again', async (state) => {
  const units = { queued: 7, committed: 7, pending_approval: 600, denied: 13 }[state] ?? 0
  const asked = await ask(house, ann, [create(fresh(), units)])
  const id = asked.answer.ok || !('requestId' in asked.answer.problem) ? idOf(asked) : String(asked.answer.problem.requestId)
  if (state === 'committed') await commitAll(pool)

  expect((await retry(ann, id)).answer).toMatchObject({ ok: false, problem: { code: 'wrong-state', state } })
})
