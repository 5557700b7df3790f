import { describe, expect, it } from 'vitest'
import type { ChangeInput, Plan } from '../../src/core/plan.ts'
import { checkPlatform } from '../../src/core/platform-check.ts'
import { formatMoney } from '../../src/core/money.ts'
import { exampleDocuments, liveAfter, makeFacts, makePlatform, planned } from './platforms.ts'

const documents = exampleDocuments()
const platform = makePlatform(documents)

function ask(team: string, environment: string, ...changes: readonly ChangeInput[]): Plan {
  return planned(platform, { team, environment, changes })
}

/** The bytes that would be committed, each below its path. */
function files(plan: Plan): string {
  return plan.files.map((file) => `# ${file.operation} ${file.path}\n${file.content ?? ''}`).join('\n')
}

const postgres = (parameters: object): ChangeInput => ({
  action: 'create',
  blueprint: 'postgres',
  name: 'orders-db',
  parameters: { ...parameters },
})

describe('the example platform', () => {
  it('passes its own checks, policy tests included', () => {
    const result = checkPlatform(
      platform,
      documents.map((document) => ({ document, pointer: `/${document.kind}/${document.metadata.name}` })),
    )

    expect(result).toEqual({ ok: true, value: undefined })
  })

  it('has a test for every rule of every policy', () => {
    const untested = documents.flatMap((document) => {
      if (document.kind !== 'Policy') return []
      const tested = document.spec.tests?.flatMap((test) => test.rules ?? []) ?? []
      return document.spec.rules.map((rule) => rule.name).filter((rule) => !tested.includes(rule))
    })

    // No environment of the example lies outside the EU.
    expect(untested).toEqual(['stay-in-europe'])
  })

  it('lets no policy reach beyond its own blueprints and environments', () => {
    for (const { document } of platform.policies) {
      const { environments = ['*'], blueprints = ['*'] } = document.spec.match ?? {}
      expect(
        [...environments, ...blueprints].filter((glob) => glob.includes('*')),
        document.metadata.name,
      ).toEqual([])
    }
  })

  it.each([
    { blueprint: 'postgres', name: 'orders-db', parameters: { size: 'm', storageGB: 600 }, cost: '258.00', outcome: 'requires_approval' },
    {
      blueprint: 'webservice',
      name: 'orders',
      parameters: {
        image: 'registry.example.com/payments/orders:1.4.2',
        domain: 'orders.example.com',
        env: [{ name: 'LOG_LEVEL', value: 'yes' }],
      },
      cost: '22.10',
      outcome: 'allowed',
    },
    {
      blueprint: 'secret',
      name: 'stripe',
      parameters: {
        entry: 'stripe',
        keys: [
          { key: 'API_KEY', property: 'api-key' },
          { key: 'HOOK_KEY', property: 'hook-key' },
        ],
      },
      cost: '0.00',
      outcome: 'allowed',
    },
  ])('renders $blueprint byte for byte as the golden file has it', async ({ blueprint, name, parameters, cost, outcome }) => {
    const plan = ask('payments', 'prod', { action: 'create', blueprint, name, parameters })
    const again = ask('payments', 'prod', { action: 'create', blueprint, name, parameters })

    expect(formatMoney(plan.changes[0]?.cost.after ?? 0n)).toBe(cost)
    expect(plan.decision.outcome).toBe(outcome)
    expect(files(again)).toBe(files(plan))
    await expect(files(plan)).toMatchFileSnapshot(`golden/${blueprint}.yaml`)
  })

  it('leaves out the settings of a web service that has none', () => {
    const plan = ask('payments', 'prod', {
      action: 'create',
      blueprint: 'webservice',
      name: 'orders',
      parameters: { image: 'registry.example.com/payments/orders:1', domain: 'orders.example.com' },
    })

    expect(files(plan)).not.toContain('env:')
  })
})

describe("the README's journeys", () => {
  it('allows a small database in development at once', () => {
    const plan = ask('payments', 'dev', postgres({ size: 's' }))

    expect(plan.decision).toMatchObject({ outcome: 'allowed', approvals: [], applied: [] })
    expect(plan.changes[0]?.parameters).toEqual({ size: 's', storageGB: 10, highAvailability: false })
  })

  it('makes a database of more than 500 GB in production wait for a DBA', () => {
    const plan = ask('payments', 'prod', postgres({ size: 'm', storageGB: 600 }))

    expect(plan.decision).toMatchObject({
      outcome: 'requires_approval',
      approvals: [
        { source: 'policy', policy: 'databases', rule: 'big-needs-dba', approvers: { team: 'dba', role: 'approver' }, required: 1 },
      ],
      applied: [{ policy: 'databases', rule: 'prod-is-ha', set: { 'parameters.highAvailability': true } }],
    })
  })

  it('refuses a big database in development, and says what to do', () => {
    const plan = ask('payments', 'dev', postgres({ size: 'l', storageGB: 200 }))

    expect(plan.decision).toMatchObject({
      outcome: 'denied',
      violations: [
        {
          rule: 'small-in-dev',
          remedy: 'Ask for it in prod, or take a smaller one',
          message: 'In dev a database has size s or m, and at most 100 GB (asked: l, 200 GB)',
        },
      ],
    })
  })

  it('makes a delete in production wait for an owner and, of a database, for a DBA', () => {
    const live = liveAfter(ask('payments', 'prod', postgres({})))

    const plan = planned(
      platform,
      { team: 'payments', environment: 'prod', changes: [{ action: 'delete', name: 'orders-db' }] },
      makeFacts([live]),
    )

    expect(plan.decision.approvals.map((a) => [a.source, a.approvers.team, a.approvers.role])).toEqual([
      ['policy', 'dba', 'approver'],
      ['environment', 'payments', 'owner'],
    ])
    expect(plan.files.map((file) => file.operation)).toEqual(['delete', 'delete'])
  })
})
