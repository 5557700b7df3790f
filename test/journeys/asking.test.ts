import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { at, itemsOf, outcomeOf, textAt, type Answer } from '../support/api.ts'
import { commitAll } from '../support/delivery.ts'
import { amy, ann, asking, bea, bob, box, document, openJourney, ove, tally, times } from '../support/journey.ts'
import { openPurse } from '../support/purse.ts'

/** Asking and deciding, as somebody sees it who knows the contract alone, over real connections and many at once. */

const { api, apply, newTeam, submit, approve, cancel, money, house } = await openJourney()
const { pool } = house.context.database
const purse = openPurse(house.urls.ownerUrl)

describe('the purse', () => {
  test('of 200 submits at once on one budget exactly as many are accepted as fit, and everything agrees', async () => {
    const team = await newTeam('1000.00')

    const answers = await times(200, (i) => submit(asking(team, box(`p${i}`, 7))))

    expect(tally(answers)).toEqual({ '202 queued': 142, '409 budget-exceeded': 58 })
    expect(await money(team)).toBe('0.00+994.00')
    const ledger = await api('GET', `/v1/budgets/${team}/ledger?first=200`, undefined, ann)
    expect(itemsOf(ledger).map(({ kind, amount }) => ({ kind, amount }))).toEqual(
      Array<object>(142).fill({ kind: 'reserve', amount: '7.00' }),
    )
    const refused = answers.filter(({ status }) => status === 409)
    for (const { body } of refused)
      expect(body['budgets']).toEqual([
        { name: team, measure: 'cost', limit: '1000.00', committed: '0.00', reserved: '994.00', requested: '7.00', shortfall: '1.00' },
      ])
    expect(new Set(refused.map(({ body }) => body['requestId'])).size).toBe(58)

    await commitAll(pool)
    expect(await money(team)).toBe('994.00+0.00')
    expect(await purse.discrepancies()).toEqual([])
  })

  test('where one of several budgets is short, none of them is touched, and all short ones are named', async () => {
    const team = await newTeam('1000.00')
    await apply(
      document('Budget', `${team}-lab`, { scope: { team, environment: 'lab' }, limit: '50.00' }),
      document('Budget', `${team}-heads`, { scope: { team }, measure: 'count', limit: 1 }),
    )

    const both = await submit(asking(team, box('a', 30), box('b', 30)))
    const fits = await submit(asking(team, box('a', 50)))

    expect(at(both, 'budgets.length')).toBe(2)
    expect(at(both, 'budgets')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: `${team}-heads`, shortfall: '1' }),
        expect.objectContaining({ name: `${team}-lab`, shortfall: '10.00' }),
      ]),
    )
    expect(outcomeOf(fits)).toBe('202 queued')
    expect(await money(team)).toBe('0.00+50.00')
  })

  test('a plan takes nothing, a cancelled or rejected request gives back, shrinking and deleting free money at the commit', async () => {
    const team = await newTeam()
    await api('POST', '/v1/plans', asking(team, box('a', 700)), ann)
    expect(await money(team)).toBe('0.00+0.00')

    const first = await submit(asking(team, box('a', 700)))
    expect(await money(team)).toBe('0.00+700.00')
    await cancel(first)
    expect(await money(team)).toBe('0.00+0.00')

    const second = await submit(asking(team, box('a', 600)))
    await api('POST', `/v1/requests/${textAt(second, 'id')}/reject`, { comment: 'No' }, bob)
    expect(await money(team)).toBe('0.00+0.00')

    await submit(asking(team, box('a', 100), box('b', 50)))
    await commitAll(pool)
    expect(await money(team)).toBe('150.00+0.00')
    await submit(asking(team, { action: 'update', name: 'a', parameters: { units: 40 } }))
    await submit(asking(team, { action: 'delete', name: 'b' }))
    expect(await money(team)).toBe('150.00+0.00')
    await commitAll(pool)
    expect(await money(team)).toBe('40.00+0.00')
  })
})

describe('asking twice', () => {
  test('at once under one key gives one request and one answer', async () => {
    const team = await newTeam()

    const answers = await times(20, () => submit(asking(team, box('a', 600)), { ...ann, key: '"twice"' }))

    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
    expect(await money(team)).toBe('0.00+600.00')
  })

  test('gives the answer of then, whatever became of it; a denial too; to another person it is another key', async () => {
    const team = await newTeam()
    const first = await submit(asking(team, box('a', 600)), { ...ann, key: 'then' })
    await approve(first, bob)
    await commitAll(pool)

    const again = await submit(asking(team, box('a', 600)), { ...ann, key: 'then' })
    const others = await submit(asking(team, box('b', 600)), { ...amy, key: 'then' })
    const reused = await submit(asking(team, box('a', 601)), { ...ann, key: 'then' })
    const denied = await submit(asking(team, box('c', 13)), { ...ann, key: 'never' })
    const deniedAgain = await submit(asking(team, box('c', 13)), { ...ann, key: 'never' })

    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(outcomeOf(others)).toBe('202 pending_approval')
    expect(outcomeOf(reused)).toBe('422 idempotency-key-reused')
    expect([outcomeOf(denied), deniedAgain.text]).toEqual(['403 policy-denied', denied.text])
  })

  test('a refusal that stored nothing does not use up its key', async () => {
    const team = await newTeam()

    const wrong = await submit(asking(team, box('a', 'many')), { ...ann, key: 'spared' })
    const right = await submit(asking(team, box('a', 1)), { ...ann, key: 'spared' })

    expect([wrong, right].map(outcomeOf)).toEqual(['422 invalid-parameters', '202 queued'])
  })

  test('for one name at once gives one of them the name', async () => {
    const team = await newTeam()

    const answers = await times(10, () => submit(asking(team, box('a', 1))))

    expect(tally(answers)).toEqual({ '202 queued': 1, '409 resource-busy': 9 })
    expect(await money(team)).toBe('0.00+1.00')
  })
})

describe('the gate', () => {
  test('a denial is recorded with its reasons, and found by its id, in the list and in the log', async () => {
    const team = await newTeam()

    const denied = await submit(asking(team, box('a', 13)))

    expect(denied.body).toMatchObject({
      violations: [{ policy: 'boxes', rule: 'not-13', message: 'Thirteen is out (13)', remedy: 'Take twelve' }],
    })
    const id = textAt(denied, 'requestId')
    const record = await api('GET', `/v1/requests/${id}`, undefined, ann)
    expect(record).toMatchObject({ status: 200, body: { state: 'denied', problem: { code: 'policy-denied' } } })
    expect(itemsOf(await api('GET', `/v1/requests?team=${team}&state=denied`, undefined, ann)).map((item) => item['id'])).toEqual([id])
    const events = itemsOf(await api('GET', `/v1/events?subject=${id}`, undefined, ann))
    expect(events).toMatchObject([{ type: 'dev.purser.request.denied.v1', actor: { subject: 'ann@example.com', via: 'admin' }, team }])
    expect(outcomeOf(await submit(asking(team, box('a', 12))))).toBe('202 queued')
  })

  test('a deny that was applied a moment ago is never missed', async () => {
    const team = await newTeam()
    await times(10, (i) => submit(asking(team, box(`before${i}`, 17))))
    const rule = { name: 'not-17', when: 'parameters.units == 17', effect: 'deny', message: 'Not 17' }

    const applied = apply(
      document('Policy', `deny-${team}`, { match: { teams: [team], blueprints: ['box'], actions: ['create'] }, rules: [rule] }),
    )
    const during = times(20, (i) => submit(asking(team, box(`during${i}`, 17))))
    await applied
    const after = await times(20, (i) => submit(asking(team, box(`after${i}`, 17))))

    expect(tally(after)).toEqual({ '403 policy-denied': 20 })
    for (const outcome of Object.keys(tally(await during))) expect(['202 queued', '403 policy-denied']).toContain(outcome)
  })

  test('votes at once count once each: two persons release what needs two, one person does not', async () => {
    const team = await newTeam()
    const request = await submit(asking(team, box('a', 700)))

    const alone = await times(5, () => approve(request, bob))
    const both = await Promise.all([approve(request, bea), approve(request, bob)])

    expect(tally(alone)).toEqual({ '200 pending_approval': 5 })
    expect(outcomeOf(both[0])).toBe('200 queued')
    const now = await api('GET', `/v1/requests/${textAt(request, 'id')}`, undefined, ann)
    expect(at(now, 'approvals')).toMatchObject([{ by: 'bob@example.com' }, { by: 'bea@example.com' }])
    expect(itemsOf(await api('GET', `/v1/requests/${textAt(request, 'id')}/events`))).toMatchObject([
      { type: 'dev.purser.request.submitted.v1', actor: { subject: 'ann@example.com' } },
      { type: 'dev.purser.request.approved.v1', actor: { subject: 'bob@example.com' } },
      { type: 'dev.purser.request.approved.v1', actor: { subject: 'bea@example.com' } },
    ])
  })

  test('of a release and a cancellation at once one wins, and the money follows it', async () => {
    const team = await newTeam()

    const outcomes = await times(10, async (i) => {
      const request = await submit(asking(team, box(`a${i}`, 500)))
      const [released, cancelled] = await Promise.all([approve(request, bob), cancel(request)])
      // A queued request can still be cancelled: then both come true, one after the other.
      return `${outcomeOf(released)}, ${outcomeOf(cancelled)}`
    })

    for (const outcome of outcomes)
      expect(['200 queued, 200 cancelled', '200 cancelled, 200 cancelled', '409 wrong-state, 200 cancelled']).toContain(outcome)
    expect(await money(team)).toBe('0.00+0.00')
  })

  test('a delete where the environment asks for an owner waits for one, who did not ask for it', async () => {
    const team = await newTeam()
    const inVault = (...changes: JsonObject[]) => ({ ...asking(team, ...changes), environment: 'vault' })
    await submit(inVault(box('a', 5)))
    await commitAll(pool)

    const own = await submit(inVault({ action: 'delete', name: 'a' }), ove)
    const ownVote = await approve(own, ove)
    await cancel(own, ove)
    const request = await submit(inVault({ action: 'delete', name: 'a' }))
    const released = await approve(request, ove)

    expect([own, ownVote, request, released].map(outcomeOf)).toEqual([
      '202 pending_approval',
      '403 own-request',
      '202 pending_approval',
      '200 queued',
    ])
    await commitAll(pool)
    const [resource] = itemsOf(await api('GET', `/v1/resources?team=${team}&status=deleted`, undefined, ann))
    expect(resource).toMatchObject({ name: 'a', status: 'deleted' })
  })

  test('what was approved is what anyone can recompute: the digest of the plan, and of each file', async () => {
    const team = await newTeam()
    await submit(asking(team, box('old', 1), box('gone', 1)))
    await commitAll(pool)
    const body = asking(
      team,
      { ...box('new', 3, { note: 'ünï → 💸', labels: { b: '2', a: '1' } }), ttl: 'P14D' },
      { action: 'update', name: 'old', parameters: { units: 4 } },
      { action: 'delete', name: 'gone' },
    )

    const plan = await api('POST', '/v1/plans', body, ann)
    const request = await submit({ ...body, planDigest: textAt(plan, 'plan.digest') }, amy)
    const files = await api('GET', `/v1/requests/${textAt(request, 'id')}/files`, undefined, ann)

    expect(digestOf(request)).toBe(textAt(request, 'plan.digest'))
    expect(textAt(request, 'plan.digest')).toBe(textAt(plan, 'plan.digest'))
    for (const file of JSON.parse(files.text) as { content: string | null; digest: string | null }[])
      expect(file.digest).toBe(file.content === null ? null : sha256(file.content))
  })
})

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** By the contract's words, from the answer alone, and with nothing of Purser's own code. */
function digestOf({ body }: Answer): string {
  const { team, environment, changes, plan } = body as unknown as {
    team: string
    environment: string
    changes: {
      action: string
      blueprint: { name: string; version: string }
      resource: { name: string }
      parameters: unknown
      ttl: unknown
      cost: { before: string; after: string }
      baseRevision: unknown
    }[]
    plan: { repository: string; branch: string; files: { path: string; operation: string; digest: unknown }[] }
  } // As the contract says.
  return sha256(
    jcs({
      team,
      environment,
      repository: plan.repository,
      branch: plan.branch,
      changes: changes.map(({ action, blueprint, resource, parameters, ttl, cost, baseRevision }) => ({
        action,
        blueprint: blueprint.name,
        version: blueprint.version,
        name: resource.name,
        parameters,
        ttl,
        cost: { before: cost.before, after: cost.after },
        baseRevision,
      })),
      files: plan.files.map(({ path, operation, digest }) => ({ path, operation, digest })),
    }),
  )
}

/** RFC 8785, for what occurs here. */
function jcs(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jcs).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jcs(member)}`).join()}}`
}
