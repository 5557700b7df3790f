import { beforeEach, describe, expect, test } from 'vitest'
import type { Caller } from '../../src/operations/caller.ts'
import { approveRequest, rejectRequest } from '../../src/operations/decide-request.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { listRequests, readRequest } from '../../src/operations/read-requests.ts'
import { claim, commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const blue =
  '{ user: bob@example.com, role: approver }, { user: bea@example.com, role: approver }, { user: ann@example.com, role: approver }'
const team = (name: string, members: string) =>
  `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: ${name} }, spec: { members: [${members}] } }`
const policy = (count: number) => `
apiVersion: purser.dev/v1
kind: Policy
metadata: { name: notes }
spec:
  match: { blueprints: [box] }
  rules:
    - { name: grey-too, when: "parameters.?note.orValue('') == 'grey'", effect: require-approval, approvers: { team: grey, role: owner, count: ${count} } }
    - { name: own-team, when: "parameters.?note.orValue('') == 'own'", effect: require-approval }
`
await house.apply([boxes, policy(1), budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '100000.00' }")].join('\n---\n'))
await house.apply(
  `${team('blue', `${blue}, { user: dev@example.com, role: developer }, { user: boss@example.com, role: owner }`)}\n---\n${team('grey', '{ user: zed@example.com, role: owner }, { user: boss@example.com, role: owner }')}`,
)
const names = ['ann', 'amy', 'ove', 'vic', 'bob', 'bea', 'zed', 'dev', 'boss', 'nobody'] as const
const people = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, await house.person(`${name}@example.com`)] as const)),
) as Record<(typeof names)[number], Caller>
const { ann, amy, ove, vic, bob, bea, zed, dev, boss, nobody } = people

let id = ''
let serial = 0

async function pending(units: number, note?: string): Promise<string> {
  const submitted = await ask(house, ann, [create(`x${++serial}`, units, note === undefined ? {} : { note })])
  expect(outcomeOf(submitted)).toBe('pending_approval')
  id = idOf(submitted)
  return id
}

async function digest(): Promise<string> {
  const read = await readRequest(house.context, house.administrator, id)
  return read.ok ? (read.value['plan'] as { digest: string }).digest : ''
}

const approve = async (voter: Caller) => approveRequest(house.context, voter, id, { planDigest: await digest() })
const reject = (voter: Caller, comment = 'no') => rejectRequest(house.context, voter, id, { comment })
const refused = (code: string) => ({ ok: false, problem: { code } })
const inState = (state: string, given: readonly number[]) => ({
  ok: true,
  value: { state, decision: { approvals: given.map((n) => ({ given: n })) } },
})

async function eventsAbout(subject: string): Promise<string[]> {
  const page = await listEvents(house.context, house.administrator, { subject }, { first: 50, after: null })
  return page.ok
    ? page.value.items.map(
        (event) => `${textOf(event['type']).replace(/^dev\.purser\.|\.v1$/g, '')} ${(event['actor'] as { subject: string }).subject}`,
      )
    : []
}

describe('a requirement', () => {
  test('of two is satisfied by two people, and the request says what is missing until then', async () => {
    await pending(700)
    house.hinted.length = 0

    expect(await approve(bob)).toMatchObject({
      ...inState('pending_approval', [1, 1]),
      value: { nextAction: 'Waits for 1 approval by an approver of team blue', approvals: [{ by: 'bob@example.com', vote: 'approve' }] },
    })
    expect(house.hinted).toEqual([])
    expect(await approve(bea)).toMatchObject(inState('queued', [2, 2]))
    expect(house.hinted).toHaveLength(1)
    expect(await eventsAbout(id)).toEqual([
      'request.submitted ann@example.com',
      'request.approved bob@example.com',
      'request.approved bea@example.com',
    ])
  })

  test('of every rule that asks for one has to be satisfied: by its own people each', async () => {
    await pending(500, 'grey')

    expect(await approve(zed)).toMatchObject(inState('pending_approval', [0, 1]))
    expect(await approve(bob)).toMatchObject(inState('queued', [1, 1]))
  })

  test('is satisfied together with every other one that its voter satisfies', async () => {
    await pending(500, 'grey')

    expect(await approve(boss)).toMatchObject(inState('queued', [1, 1]))
  })

  test('without a team means the team that asks', async () => {
    await pending(1, 'own')

    expect(await approve(bob)).toMatchObject(refused('not-found'))
    expect(await approve(ove)).toMatchObject(inState('queued', [1]))
  })

  test('is satisfied by a higher role, and by no lower one', async () => {
    await pending(500)

    expect(await approve(dev)).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(await approve(boss)).toMatchObject(inState('queued', [1]))
  })
})

describe('nobody decides', () => {
  beforeEach(() => pending(500))

  test('on their own request, not even as an approver of the team that is asked', async () => {
    expect(await approve(ann)).toEqual(refused('own-request'))
    expect(await reject(ann)).toEqual(refused('own-request'))
    expect(await eventsAbout(id)).toEqual([
      'request.submitted ann@example.com',
      'access.refused ann@example.com',
      'access.refused ann@example.com',
    ])
  })

  test('who has no role that is asked for: an owner of the requesting team, a member of it, an administrator', async () => {
    for (const caller of [ove, amy, vic, house.administrator]) {
      expect(await approve(caller)).toMatchObject({ ok: false, problem: { code: 'forbidden', needs: 'role approver in team blue' } })
      expect(await reject(caller)).toMatchObject(refused('forbidden'))
    }
    expect((await eventsAbout(id)).filter((event) => event.startsWith('access.refused'))).toHaveLength(8)
  })

  test('who may not know of it: to them it does not exist', async () => {
    for (const caller of [zed, nobody, dev]) {
      expect(await approve(caller)).toEqual({ ok: false, problem: { code: 'not-found' } })
      expect(await reject(caller)).toEqual({ ok: false, problem: { code: 'not-found' } })
    }
  })

  test('with credentials that may not', async () => {
    expect(await approve({ ...bob, scopes: new Set(['read']) })).toMatchObject({
      ok: false,
      problem: { code: 'forbidden', needs: 'scope approvals:write' },
    })
  })

  test('on another plan than the one that is there', async () => {
    const there = await digest()
    const other = `sha256:${'0'.repeat(64)}`

    expect(await approveRequest(house.context, bob, id, { planDigest: other })).toEqual({
      ok: false,
      problem: { code: 'plan-changed', expected: other, planDigest: there },
    })
    expect(await approveRequest(house.context, bob, id, { planDigest: '' })).toMatchObject(refused('plan-changed'))
    expect(await approve(bob)).toMatchObject({ ok: true })
  })

  test('on what needs no approval, and an administrator asks for nothing', async () => {
    id = idOf(await ask(house, ann, [create(`x${++serial}`, 1)]))

    expect(await approve(ove)).toMatchObject(refused('wrong-state'))
    expect(outcomeOf(await ask(house, house.administrator, [create('mine', 1)]))).toBe('forbidden')
  })
})

describe('a vote', () => {
  test('that is cast again is the same vote: one event, one approval', async () => {
    await pending(700)
    const first = await approve(bob)

    expect(await approve(bob)).toEqual(first)
    expect((await eventsAbout(id)).filter((event) => event.startsWith('request.approved'))).toHaveLength(1)
    await approve(bea)
    expect(await approve(bob)).toMatchObject(inState('queued', [2, 2]))
  })

  test('counts with its comment for everybody who sees the request', async () => {
    await pending(700)
    await approveRequest(house.context, bob, id, { planDigest: await digest(), comment: 'looks fine' })

    expect(await readRequest(house.context, vic, id)).toMatchObject({
      ok: true,
      value: { approvals: [{ by: 'bob@example.com', vote: 'approve', comment: 'looks fine' }] },
    })
  })

  test('against ends it: its money and its names are free, and nobody votes any more', async () => {
    const before = await purse.counters('red-lab')
    await pending(700)
    const name = `x${serial}`
    await approve(bob)

    expect(await reject(bea, 'too big')).toMatchObject({
      ok: true,
      value: { state: 'rejected', approvals: [{ vote: 'approve' }, { by: 'bea@example.com', vote: 'reject', comment: 'too big' }] },
    })
    expect(await purse.counters('red-lab')).toBe(before)
    expect(await approve(boss)).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'rejected' } })
    expect(outcomeOf(await ask(house, ann, [create(name, 1)]))).toBe('queued')
    expect(await eventsAbout(id)).toEqual([
      'request.submitted ann@example.com',
      'request.approved bob@example.com',
      'request.rejected bea@example.com',
    ])
  })

  test('for can be followed by one against, while it waits', async () => {
    await pending(700)
    await approve(bob)

    expect(await reject(bob)).toMatchObject({ ok: true, value: { state: 'rejected' } })
  })

  test('comes too late once the request is released, claimed or committed', async () => {
    await pending(500)
    await approve(bob)
    expect(await reject(bea)).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'queued' } })
    await claim(house.context.database.pool)
    expect(await approve(bea)).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'queued' } })
    await commitAll(house.context.database.pool)
    expect(await reject(bea)).toMatchObject({ ok: false, problem: { code: 'wrong-state', state: 'committed' } })
  })
})

describe('roles are judged at the vote and again at release', () => {
  const without = blue.replace('{ user: bob@example.com, role: approver }, ', '')

  test('a vote whose voter has lost the role since does not count, and counts again with the role back', async () => {
    await house.apply(team('blue', blue))
    await pending(700)
    await approve(bob)

    await house.apply(team('blue', without))
    expect(await approve(bea)).toMatchObject(inState('pending_approval', [1, 1]))
    expect(await approve(bob)).toEqual({ ok: false, problem: { code: 'not-found' } })

    await house.apply(team('blue', blue))
    expect(await approve(bob)).toMatchObject(inState('queued', [2, 2]))
  })

  test('a policy that is applied later reopens nothing and asks for no more', async () => {
    const waiting = await pending(1, 'grey')
    const released = await pending(1, 'grey')
    await approve(zed)

    await house.apply(policy(2))

    expect(await readRequest(house.context, ann, released)).toMatchObject({ ok: true, value: { state: 'queued' } })
    id = waiting
    expect(await approve(zed)).toMatchObject(inState('queued', [1]))
    await pending(1, 'grey')
    expect(await approve(zed)).toMatchObject(inState('pending_approval', [1]))
  })
})

test('awaiting=me shows what still lacks a vote that I can give, and no more', async () => {
  const waiting = async (who: Caller) => {
    const page = await listRequests(house.context, who, { awaiting: 'me' }, { first: 200, after: null })
    return page.ok && page.value.items.some((item) => item['id'] === id)
  }
  await pending(500, 'grey')
  expect([await waiting(bob), await waiting(zed), await waiting(ann), await waiting(amy)]).toEqual([true, true, false, false])

  await approve(bob)

  expect([await waiting(bea), await waiting(zed)]).toEqual([false, true])
})

test('a secret in a comment is refused: comments are kept for ever', async () => {
  await pending(500)

  expect(await reject(bob, 'use AKIAIOSFODNN7EXAMPLX instead')).toMatchObject(refused('plaintext-secret'))
  expect(await approve(bob)).toMatchObject(inState('queued', [1]))
})
