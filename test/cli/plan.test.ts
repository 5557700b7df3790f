import { describe, expect, it } from 'vitest'
import { deserted, refusing } from './fake-api.ts'
import { fakeApiPerTest } from './run-cli.ts'
import { policyDenied, samplePlan } from './samples.ts'

const api = fakeApiPerTest()

describe('plan', () => {
  it('sends a change in words as the body of the contract', async () => {
    api.answer = () => ({ body: samplePlan })

    const ran = await api.purser([
      'plan',
      'create',
      'postgres',
      'orders-db',
      '--team',
      'payments',
      '--env',
      'prod',
      'size=m',
      'storageGB=600',
      '--reason',
      'go',
    ])

    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.stdout).toContain('Plan for payments in prod: needs approval')
    expect(api.seen).toMatchObject([{ method: 'POST', path: '/v1/plans' }])
    expect(api.seen[0]?.body).toEqual({
      team: 'payments',
      environment: 'prod',
      reason: 'go',
      changes: [{ action: 'create', name: 'orders-db', blueprint: 'postgres', parameters: { size: 'm', storageGB: 600 } }],
    })
  })

  it.each(['apiVersion: purser.dev/v1\nkind: Request\nspec: {team: payments, changes: []}', '{"team": "payments", "changes": []}'])(
    'sends the spec of a Request document, or a bare body: %j',
    async (text) => {
      api.answer = () => ({ body: samplePlan })

      await api.purser('plan -f - --env dev', { stdin: text })

      expect(api.seen[0]?.body).toEqual({ team: 'payments', environment: 'dev', changes: [] })
    },
  )

  it.each([
    'plan',
    'plan frob',
    'plan delete orders-db',
    'plan delete orders-db --team a',
    'plan -f - delete x',
    'plan -f - --ttl P1D',
    'plan -o xml',
    'plan --nonsense',
    'plan -f -',
  ])('asks nobody on wrong usage: %s', async (line) => {
    const ran = await api.purser(line, { stdin: 'kind: Team\nspec: {}' })

    expect(ran.exit).toBe(2)
    expect(ran.stderr).not.toBe('')
    expect(api.seen).toHaveLength(0)
  })

  it('ends with 3 when policy denies, whether or not --exit-code is given', async () => {
    api.answer = () => ({ body: { ...samplePlan, decision: { ...samplePlan.decision, outcome: 'denied' }, problem: policyDenied } })

    const plain = await api.purser('plan delete x --team a --env b')
    const detailed = await api.purser('plan delete x --team a --env b --exit-code')

    expect([plain.exit, detailed.exit]).toEqual([3, 3])
    expect(plain.stdout).toContain('→ Ask in the EU')
  })

  it('with --exit-code says 1 for changes and for nothing else', async () => {
    api.answer = () => ({ body: samplePlan })
    const changed = await api.purser('plan delete x --team a --env b --exit-code')
    api.answer = () => ({ body: { ...samplePlan, plan: { ...samplePlan.plan, files: [] } } })
    const same = await api.purser('plan delete x --team a --env b --exit-code')
    api.answer = () => refusing({ code: 'invalid', errors: [{ pointer: '/changes/0/name', detail: 'does not exist' }] })
    const wrong = await api.purser('plan delete x --team a --env b --exit-code')
    const away = await api.purser('plan delete x --team a --env b --exit-code', { env: { PURSER_URL: await deserted() } })

    expect([changed.exit, same.exit, wrong.exit, away.exit]).toEqual([1, 0, 128, 128])
  })
})
