import { describe, expect, test } from 'vitest'
import { idToUuid, newId } from '../../src/core/ids.ts'
import type { Plan } from '../../src/core/plan.ts'
import { requestBody } from '../../src/core/request-record.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { preparePlan } from '../../src/operations/prepare-plan.ts'
import { sqlState } from '../../src/store/database.ts'
import { failDelivery, readBranch, settleCommits, storeAttempts } from '../../src/store/deliveries.ts'
import { cancelRequest, voteOnRequest, type Vote } from '../../src/store/requests.ts'
import type { Answer, Submit } from '../../src/store/admission.ts'
import { claim, commitClaimed, madeUpSha, requestId, theBranch } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, type Change } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'

/**
 * The functions that the application may call, called with lies: what docs/decisions/0006 says the database takes on trust,
 * it takes; everything else it finds out by itself.
 */
const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '5000.00' }")}`)
const [ann, bob, bea] = await Promise.all(['ann', 'bob', 'bea'].map((name) => house.person(`${name}@example.com`)))
if (ann === undefined || bob === undefined || bea === undefined) throw new Error('three people')
const { pool } = house.context.database

type Lie = Partial<Omit<Submit, 'plan'>> & { readonly plan?: (plan: Plan) => Plan }

/** Has a true plan admitted, but for the lie. */
async function submit(changes: readonly Change[], lie: Lie): Promise<{ readonly id: Submit['id']; readonly answer: Answer }> {
  const platform = await house.context.platform()
  const planned = await preparePlan(house.context, platform, ann ?? house.administrator, { team: 'red', environment: 'lab', changes })
  if (!planned.ok) throw new Error(planned.problem.code)
  const plan = lie.plan?.(planned.value) ?? planned.value
  const resourceIds = plan.changes.map((change) => change.resourceId ?? newId('resource'))
  const id = newId('request')
  const answer = await house.context.admission.admit({
    id,
    platformRevision: platform.revision,
    principal: ann?.principal ?? '',
    via: null,
    parties: [ann?.principal ?? ''],
    idempotency: null,
    reason: '',
    resourceIds,
    body: requestBody(plan, resourceIds, 'EUR') as unknown as JsonObject,
    problem: null,
    actor: { subject: 'ann@example.com', kind: 'person', via: null },
    ...lie,
    plan,
  })
  return { id, answer }
}

async function vote(id: Submit['id'], principal: string, lie: Partial<Vote>) {
  const [row] = await purse.query(
    'select plan_digest, (select count(*)::int from approval where request_id = q.id) as seen from request q where id = $1',
    [idToUuid(id)],
  )
  const platformRevision = (await house.context.platform()).revision
  return voteOnRequest(pool, {
    request: id,
    principal,
    actor: { subject: 'x', kind: 'person', via: null },
    vote: 'approve',
    comment: null,
    planDigest: String(row?.['plan_digest']),
    platformRevision,
    seen: Number(row?.['seen']),
    onlyTeams: null,
    satisfies: { [principal]: [0, 1] },
    ...lie,
  })
}

async function stateOf(id: string): Promise<unknown> {
  return (await purse.query('select state from request where id = $1', [idToUuid(requestId(id))]))[0]?.['state']
}

describe('admit', () => {
  test('keeps to the budget whatever the plan says about policy', async () => {
    const { answer } = await submit([create('big', 5001)], {
      plan: (plan) => ({ ...plan, decision: { ...plan.decision, outcome: 'allowed', approvals: [] } }),
    })

    expect(answer).toMatchObject({ outcome: 'denied', short: [{ name: 'red-lab' }] })
  })

  test('takes the price on trust, and holds the budget to what it was told', async () => {
    const cheap = (plan: Plan): Plan => ({
      ...plan,
      changes: plan.changes.map((change) => ({ ...change, cost: { before: 0n, after: 1n } })),
    })
    const { answer } = await submit([create('cheap', 499)], { plan: cheap })

    expect(answer.outcome).toBe('admitted')
    expect(await purse.counters('red-lab')).toBe('0+1/500000')
    expect(await purse.discrepancies()).toEqual([])
  })

  test('finds a price below nothing out: a resource costs nothing or more', async () => {
    const negative = (plan: Plan): Plan => ({
      ...plan,
      changes: plan.changes.map((change) => ({ ...change, cost: { before: 0n, after: -1n } })),
    })

    await expect(submit([create('negative', 1)], { plan: negative })).rejects.toSatisfy((error) => sqlState(error) === '23514')
  })

  test('takes no bytes that are not the bytes of their digest', async () => {
    const other = (plan: Plan): Plan => ({
      ...plan,
      files: plan.files.map((file) => ({ ...file, content: `${file.content ?? ''}# and more\n` })),
    })

    await expect(submit([create('other', 1)], { plan: other })).rejects.toSatisfy((error) => sqlState(error) === '23514')
  })

  test('makes the requester and the bot parties, whoever is listed', async () => {
    const { id } = await submit([create('lonely', 500)], { parties: [], via: bea.principal })

    expect(await vote(id, ann.principal, {})).toEqual({ outcome: 'own-request' })
    expect(await vote(id, bea.principal, {})).toEqual({ outcome: 'own-request' })
    expect(await vote(id, bob.principal, {})).toMatchObject({ outcome: 'done' })
  })

  test('refuses a plan of another platform, and one of a resource that moved on', async () => {
    const { revision } = await house.context.platform()

    expect((await submit([create('later', 1)], { platformRevision: revision + 1n })).answer).toEqual({ outcome: 'stale' })
    expect((await submit([create('earlier', 1)], { platformRevision: revision - 1n })).answer).toEqual({ outcome: 'stale' })
  })
})

describe('vote', () => {
  test('counts no vote of a party, of another digest, or judged on another platform or other votes', async () => {
    const id = requestId(idOf(await ask(house, ann, [create('voted', 500)])))
    const { revision } = await house.context.platform()

    expect(await vote(id, ann.principal, {})).toEqual({ outcome: 'own-request' })
    expect(await vote(id, bob.principal, { planDigest: `sha256:${'0'.repeat(64)}` })).toMatchObject({ outcome: 'plan-changed' })
    expect(await vote(id, bob.principal, { platformRevision: revision - 1n })).toEqual({ outcome: 'stale' })
    expect(await vote(id, bob.principal, { seen: 1 })).toEqual({ outcome: 'stale' })
    expect(await stateOf(id)).toBe('pending_approval')
  })

  test('that satisfies nothing, or of which nobody said what it takes, releases nothing', async () => {
    const id = requestId(idOf(await ask(house, ann, [create('unsatisfied', 500)])))
    expect(await vote(id, bob.principal, { satisfies: {} })).toEqual({ outcome: 'done', delivery: null })
    expect(await vote(id, bea.principal, { satisfies: { [ann.principal]: [0] } })).toEqual({ outcome: 'done', delivery: null })

    const open = await submit([create('requireless', 500)], {
      plan: (plan) => ({ ...plan, decision: { ...plan.decision, approvals: [] } }),
    })
    expect(await vote(open.id, bob.principal, {})).toEqual({ outcome: 'done', delivery: null })
    expect([await stateOf(id), await stateOf(open.id)]).toEqual(['pending_approval', 'pending_approval'])
  })
})

describe('delivery', () => {
  test('settles no commit that is no stored attempt of a claimed request, and moves no head for it', async () => {
    const claimed = (await claim(pool)).at(-1)
    if (claimed === undefined) throw new Error('nothing to claim')
    const before = await theBranch(pool)
    const sha = madeUpSha()

    await expect(settleCommits(pool, before, sha, [{ request: claimed.id, sha }])).rejects.toSatisfy((error) => sqlState(error) === 'PU005')
    expect(await theBranch(pool)).toEqual(before)

    const unclaimed = requestId(idOf(await ask(house, ann, [create('unclaimed', 1)])))
    await storeAttempts(pool, [{ request: unclaimed, sha }])
    await expect(settleCommits(pool, before, sha, [{ request: unclaimed, sha }])).rejects.toSatisfy((error) => sqlState(error) === 'PU005')
    expect([await stateOf(unclaimed), await theBranch(pool)]).toEqual(['queued', before])
  })

  test('settles and fails nothing for a writer that lost its lock, and nothing on another branch', async () => {
    const [request] = await claim(pool)
    if (request === undefined) throw new Error('nothing to claim')
    const branch = await theBranch(pool)
    const late = { ...branch, epoch: branch.epoch - 1n }
    const sha = madeUpSha()
    await storeAttempts(pool, [{ request: request.id, sha }])

    expect(await settleCommits(pool, late, sha, [{ request: request.id, sha }])).toBe(false)
    expect(await failDelivery(pool, late, request.id, { code: 'delivery-refused', detail: 'no' })).toBe(false)
    const [other] = await purse.query("insert into branch (id, repository, branch) values (new_uuid(), 'embedded', 'other') returning id")
    const elsewhere = await readBranch(pool, String(other?.['id']))
    if (elsewhere === null) throw new Error('no branch')
    await expect(settleCommits(pool, elsewhere, sha, [{ request: request.id, sha }])).rejects.toSatisfy(
      (error) => sqlState(error) === 'PU005',
    )
    expect(await failDelivery(pool, elsewhere, request.id, { code: 'delivery-refused', detail: 'no' })).toBe(false)
    await purse.query(
      "alter table branch disable trigger user; delete from branch where branch = 'other'; alter table branch enable trigger user",
    )
    expect(await stateOf(request.id)).toBe('queued')
  })

  test('cancels nothing that is claimed, fails nothing that is not, and settles nothing twice', async () => {
    const [first] = await claim(pool)
    if (first === undefined) throw new Error('nothing to claim')
    const unclaimed = requestId(idOf(await ask(house, ann, [create('free', 1)])))

    expect(await cancelRequest(pool, first.id, { subject: 'x', kind: 'person', via: null })).toEqual({
      outcome: 'wrong-state',
      state: 'queued',
      claimed: true,
    })
    expect(await failDelivery(pool, await theBranch(pool), unclaimed, { code: 'delivery-refused', detail: 'no' })).toBe(false)
    await commitClaimed(pool, [first.id])
    const counters = await purse.counters('red-lab')
    await commitClaimed(pool, [first.id])
    expect(await failDelivery(pool, await theBranch(pool), first.id, { code: 'delivery-refused', detail: 'no' })).toBe(false)
    expect(await purse.counters('red-lab')).toBe(counters)
    expect(await purse.discrepancies()).toEqual([])
  })
})
