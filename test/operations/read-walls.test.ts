import { describe, expect, test } from 'vitest'
import { problemDocument } from '../../src/core/problem.ts'
import type { Result } from '../../src/core/result.ts'
import type { Caller } from '../../src/operations/caller.ts'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { approveRequest, rejectRequest } from '../../src/operations/decide-request.ts'
import { planRequest } from '../../src/operations/plan-request.ts'
import { listBudgetLedger } from '../../src/operations/read-budgets.ts'
import { listDocuments, listDocumentVersions, readDocument } from '../../src/operations/read-documents.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { readRequestDiff, readRequestFiles } from '../../src/operations/read-request-files.ts'
import { listRequests, readRequest } from '../../src/operations/read-requests.ts'
import { listResourceHistory, listResources, readResource } from '../../src/operations/read-resources.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, update } from '../support/house.ts'
import { textOf } from '../support/text-of.ts'

/** Team red has something of everything. Zed is an owner, but of grey; bob may approve one request of red's. */
const house = await openHouse()
await house.apply(
  [
    boxes,
    budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '5000.00' }"),
    budget('lab-all', "{ scope: { environment: lab }, limit: '800.00' }"),
  ].join('\n---\n'),
)
const { context } = house
const ann = await house.person('ann@example.com')
const bob = await house.person('bob@example.com')
const zed = await house.person('zed@example.com')
const nobody = await house.person('nobody@example.com')

const committed = idOf(await ask(house, ann, [create('box', 5)]))
await commitAll(context.database.pool)
const pending = idOf(await ask(house, ann, [create('big', 500)]))
const page = { first: 50, after: null }
const known = await listResources(context, ann, {}, page)
const resource = known.ok ? textOf(known.value.items.find((item) => item['name'] === 'box')?.['id']) : ''

/** What asking answers, as bytes. */
function bytes(answer: Result<unknown>): string {
  return answer.ok ? `visible: ${JSON.stringify(answer.value)}` : JSON.stringify(problemDocument(answer.problem))
}

const absent = '{"type":"https://purser.dev/problems/not-found","title":"Not found","status":404,"code":"not-found"}'
const noRequest = 'req_01h455vb4pex5vsknk084sn02q'
const noResource = 'res_01h455vb4pex5vsknk084sn02q'
const planDigest = `sha256:${'0'.repeat(64)}`

type Ask = (caller: Caller, id: string) => Promise<Result<unknown>>
const things: readonly (readonly [string, Ask, { readonly there: string; readonly absent: string }])[] = [
  ['a request', (caller, id) => readRequest(context, caller, id), { there: committed, absent: noRequest }],
  ["a request's files", (caller, id) => readRequestFiles(context, caller, id), { there: committed, absent: noRequest }],
  ["a request's diff", (caller, id) => readRequestDiff(context, caller, id), { there: committed, absent: noRequest }],
  ['a resource', (caller, id) => readResource(context, caller, id), { there: resource, absent: noResource }],
  ["a resource's history", (caller, id) => listResourceHistory(context, caller, id, page), { there: resource, absent: noResource }],
  ['a budget', (caller, name) => readDocument(context, caller, 'Budget', name), { there: 'red-lab', absent: 'no-budget' }],
  [
    "a budget's versions",
    (caller, name) => listDocumentVersions(context, caller, 'Budget', name, page),
    { there: 'red-lab', absent: 'no-budget' },
  ],
  ["a budget's ledger", (caller, name) => listBudgetLedger(context, caller, name, page), { there: 'red-lab', absent: 'no-budget' }],
]
const writes: typeof things = [
  ['approving', (caller, id) => approveRequest(context, caller, id, { planDigest }), { there: pending, absent: noRequest }],
  ['rejecting', (caller, id) => rejectRequest(context, caller, id, { comment: 'no' }), { there: pending, absent: noRequest }],
  ['cancelling', (caller, id) => cancelRequest(context, caller, id), { there: pending, absent: noRequest }],
]

describe('to a caller without a role in the team', () => {
  test.each([...things, ...writes])('%s is, byte for byte, as if it were not there', async (_, read, { there, absent: missing }) => {
    for (const caller of [zed, nobody]) {
      for (const id of [there, missing, `${there}x`, 'nonsense', '']) expect([id, bytes(await read(caller, id))]).toEqual([id, absent])
    }
  })

  test.each(things)('%s is there for the team itself and for administrators', async (_, read, { there }) => {
    for (const caller of [ann, house.administrator]) expect(bytes(await read(caller, there))).toMatch(/^visible: /)
  })

  test('lists are empty, and so is every filter over what they may not see', async () => {
    for (const query of [
      {},
      { team: 'red' },
      { environment: 'lab' },
      { state: 'pending_approval' as const },
      { requester: 'ann@example.com' },
      { resource: 'box' },
      { resource },
      { awaiting: 'me' as const },
    ]) {
      expect([query, await listRequests(context, zed, query, page)]).toMatchObject([
        query,
        { ok: true, value: { items: [], pageInfo: { endCursor: null, hasNextPage: false } } },
      ])
    }
    for (const query of [{}, { team: 'red' }, { environment: 'lab' }, { blueprint: 'box' }, { status: 'unknown' as const }]) {
      expect([query, await listResources(context, zed, query, page)]).toMatchObject([query, { ok: true, value: { items: [] } }])
    }
    for (const query of [{}, { team: 'red' }, { type: 'dev.purser.request.committed.v1' }, { subject: committed }]) {
      for (const event of await eventsOf(zed, query)) expect(event['team']).toBe('grey')
    }
    for (const caller of [zed, nobody])
      expect(await listDocuments(context, caller, 'Budget', {}, page)).toMatchObject({ ok: true, value: { items: [] } })
  })

  test('what a name in a body would tell is told about teams only', async () => {
    const plan = (changes: Parameters<typeof ask>[2]) => planRequest(context, zed, { team: 'red', environment: 'lab', changes })

    expect(bytes(await plan([update('box', 1)]))).toBe(bytes(await plan([update('no-such-box', 1)])))
    expect(await plan([update('box', 1)])).toMatchObject({ ok: false, problem: { code: 'forbidden' } })
  })
})

async function eventsOf(caller: Caller, query: Parameters<typeof listEvents>[2] = {}) {
  const events = await listEvents(context, caller, query, page)
  return events.ok ? events.value.items : []
}

describe('events', () => {
  test('are those of the caller’s teams; administrators read the platform’s own too', async () => {
    expect(new Set((await eventsOf(ann)).map((event) => event['team']))).toEqual(new Set(['red', 'blue']))
    expect(new Set((await eventsOf(zed)).map((event) => event['team']))).toEqual(new Set(['grey']))
    expect(await eventsOf(nobody)).toEqual([])
    expect(new Set((await eventsOf(house.administrator)).map((event) => event['team']))).toEqual(new Set(['red', 'blue', 'grey', null]))
  })

  test('are filtered by team, type and subject', async () => {
    expect((await eventsOf(ann, { subject: committed })).map((event) => event['type'])).toEqual([
      'dev.purser.request.submitted.v1',
      'dev.purser.request.committed.v1',
    ])
    expect((await eventsOf(ann, { type: 'dev.purser.request.submitted.v1', team: 'red' })).map((event) => event['subject'])).toEqual([
      committed,
      pending,
    ])
    expect((await eventsOf(ann, { subject: resource })).map((event) => event['data'])).toMatchObject([
      { name: 'box', action: 'create', request: committed },
    ])
  })
})

describe('whoever may approve a request of another team', () => {
  test('reads that request, its plan and its files', async () => {
    expect(await readRequest(context, bob, pending)).toMatchObject({
      ok: true,
      value: { id: pending, team: 'red', state: 'pending_approval' },
    })
    expect(await readRequestFiles(context, bob, pending)).toMatchObject({
      ok: true,
      value: [{ path: 'lab/red/x/big/00-configmap-big.yaml', operation: 'create' }],
    })
    const diff = await readRequestDiff(context, bob, pending)
    expect(diff.ok ? diff.value : '').toContain('+  units: u500')
    expect(await listRequests(context, bob, { awaiting: 'me' }, page)).toMatchObject({ ok: true, value: { items: [{ id: pending }] } })
  })

  test('and nothing else of that team', async () => {
    for (const [, read, { there }] of things) expect(bytes(await read(bob, there))).toBe(absent)
    expect(await listRequests(context, bob, {}, page)).toMatchObject({ ok: true, value: { items: [] } })
    expect(await listRequests(context, bob, { team: 'red' }, page)).toMatchObject({ ok: true, value: { items: [] } })
    expect(await listResources(context, bob, {}, page)).toMatchObject({ ok: true, value: { items: [] } })
    expect(await listDocuments(context, bob, 'Budget', {}, page)).toMatchObject({ ok: true, value: { items: [] } })
    expect((await eventsOf(bob)).map((event) => event['team'])).not.toContain('red')
  })

  test('sees of the budgets only whether they fit', async () => {
    const budgets = [
      { name: 'red-lab', fits: true, shortfall: '0.00' },
      { name: 'lab-all', fits: true, shortfall: '0.00' },
    ]
    const read = await readRequest(context, bob, pending)

    expect(read.ok ? read.value['budgets'] : null).toEqual(budgets)
  })
})

describe('a budget wider than the caller’s teams', () => {
  test('shows its name, whether it fits, and by how much it does not', async () => {
    const read = await readRequest(context, ann, pending)
    expect(read.ok ? read.value['budgets'] : null).toEqual([
      { name: 'red-lab', measure: 'cost', limit: '5000.00', committed: '5.00', reserved: '500.00', remaining: '4495.00' },
      { name: 'lab-all', fits: true, shortfall: '0.00' },
    ])

    const plan = await planRequest(context, ann, { team: 'red', environment: 'lab', changes: [create('more', 300)] })
    expect(plan.ok ? plan.value['problem'] : null).toMatchObject({
      code: 'budget-exceeded',
      budgets: [{ name: 'lab-all', fits: false, shortfall: '5.00' }],
    })
    expect(plan.ok ? JSON.stringify(plan.value['problem']) : '').not.toContain('800')

    const refused = await ask(house, ann, [create('more', 300)])
    const shown = refused.answer.ok ? {} : problemDocument(refused.answer.problem)
    expect(shown).toMatchObject({ code: 'budget-exceeded', budgets: [{ name: 'lab-all', fits: false, shortfall: '5.00' }] })
    expect(await readDocument(context, ann, 'Budget', 'lab-all')).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(await readDocument(context, house.administrator, 'Budget', 'lab-all')).toMatchObject({
      ok: true,
      value: { document: { status: { limit: '800.00', committed: '5.00', reserved: '500.00', remaining: '295.00' } } },
    })
  })
})
