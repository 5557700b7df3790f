import { beforeEach, describe, expect, test } from 'vitest'
import type { Caller } from '../../src/operations/caller.ts'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { listResources, readResource } from '../../src/operations/read-resources.ts'
import { claim, commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf, update } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '100000.00' }")}`)
const names = ['ann', 'amy', 'ove', 'vic', 'bob', 'zed'] as const
const people = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, await house.person(`${name}@example.com`)] as const)),
) as Record<(typeof names)[number], Caller>
const { ann, amy, ove, vic, bob, zed } = people
const { pool } = house.context.database

let name = ''
let id = ''
let serial = 0
let before = ''

async function asked(units: number): Promise<void> {
  before = await purse.counters('red-lab')
  name = `x${++serial}`
  id = idOf(await ask(house, ann, [create(name, units)]))
}

const cancel = (caller: Caller) => cancelRequest(house.context, caller, id)

async function eventsAbout(subject: string): Promise<string[]> {
  const page = await listEvents(house.context, house.administrator, { subject }, { first: 50, after: null })
  return page.ok
    ? page.value.items.map(
        (event) => `${textOf(event['type']).replace(/^dev\.purser\.|\.v1$/g, '')} ${(event['actor'] as { subject: string }).subject}`,
      )
    : []
}

describe('a request is taken back', () => {
  test.each([
    ['queued', 5],
    ['pending_approval', 500],
  ])('by its requester while it is %s, and leaves nothing behind but its record', async (state, units) => {
    await asked(units)
    const read = await readRequest(house.context, ann, id)
    const resource = read.ok ? String((read.value['changes'] as { resource: { id: string } }[])[0]?.resource.id) : ''
    expect(read).toMatchObject({ ok: true, value: { state } })
    expect(await readResource(house.context, ann, resource)).toMatchObject({ ok: true, value: { name, status: 'provisioning' } })

    expect(await cancel(ann)).toMatchObject({ ok: true, value: { id, state: 'cancelled', nextAction: null } })

    expect(await purse.counters('red-lab')).toBe(before)
    expect(await readResource(house.context, ann, resource)).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(await eventsAbout(id)).toEqual(['request.submitted ann@example.com', 'request.cancelled ann@example.com'])
    expect(outcomeOf(await ask(house, ann, [create(name, 1)]))).toBe('queued')
  })

  test('of an update: the resource stays as it is committed, and can be asked about again', async () => {
    await asked(5)
    await commitAll(pool)
    id = idOf(await ask(house, ann, [update(name, 50)]))
    expect(outcomeOf(await ask(house, ann, [update(name, 60)]))).toBe('resource-busy')

    await cancel(ann)

    const page = await listResources(house.context, ann, { status: 'unknown' }, { first: 50, after: null })
    expect(page.ok ? page.value.items.find((item) => item['name'] === name) : null).toMatchObject({
      parameters: { units: 5 },
      cost: { monthly: '5.00' },
    })
    expect(outcomeOf(await ask(house, ann, [update(name, 60)]))).toBe('queued')
  })
})

describe('who may cancel', () => {
  beforeEach(() => asked(500))

  test.each([
    ['an owner of its team', () => ove],
    ['an administrator', () => house.administrator],
  ])('%s', async (_, caller) => {
    expect(await cancel(caller())).toMatchObject({ ok: true, value: { state: 'cancelled' } })
  })

  test.each([
    ['another developer of its team', amy, 'role owner in team red'],
    ['a viewer of its team', vic, 'role owner in team red'],
    ['whoever is to approve it', bob, 'role owner in team red'],
    ['its requester without the scope', { ...ann, scopes: new Set<never>(['read' as never]) }, 'scope requests:write'],
  ] satisfies [string, Caller, string][])('not %s, and the log says so', async (_, caller, needs) => {
    expect(await cancel(caller)).toMatchObject({ ok: false, problem: { code: 'forbidden', needs } })
    expect(await eventsAbout(id)).toEqual(['request.submitted ann@example.com', `access.refused ${caller.subject}`])
    expect(await readRequest(house.context, ann, id)).toMatchObject({ ok: true, value: { state: 'pending_approval' } })
  })

  test('not who may not know of it: to them it does not exist', async () => {
    expect(await cancel(zed)).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(await cancelRequest(house.context, zed, 'req_01h455vb4pex5vsknk084sn02q')).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(await cancelRequest(house.context, ann, 'nonsense')).toEqual({ ok: false, problem: { code: 'not-found' } })
  })

  test('not its requester once they are no developer any more', async () => {
    const tom = await house.person('tom@example.com')
    const team = (role: string) =>
      `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: teal }, spec: { members: [{ user: tom@example.com, role: ${role} }] } }`
    await house.apply(team('developer'))
    id = idOf(await ask(house, tom, [create('teal', 1)], { team: 'teal' }))

    await house.apply(team('viewer'))

    expect(await cancel(tom)).toMatchObject({ ok: false, problem: { code: 'forbidden', needs: 'role developer in team teal' } })
  })
})

describe('it is too late to cancel', () => {
  test('what delivery has claimed: its commit may be on the way', async () => {
    await asked(5)
    await claim(pool)

    expect(await cancel(ann)).toMatchObject({
      ok: false,
      problem: { code: 'wrong-state', state: 'queued', detail: `${id} cannot be cancelled any more: its delivery has begun.` },
    })
    await commitAll(pool)
    expect(await cancel(ann)).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'committed' } })
  })

  test('what is cancelled or denied already', async () => {
    await asked(5)
    await cancel(ann)
    expect(await cancel(ann)).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'cancelled' } })

    const denied = await ask(house, ann, [create('bad', 13)])
    id = !denied.answer.ok && 'requestId' in denied.answer.problem ? String(denied.answer.problem.requestId) : ''
    expect(await cancel(ann)).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'denied' } })
  })
})
