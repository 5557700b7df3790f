import { describe, expect, it } from 'vitest'
import { problemDocument } from '../../src/core/problem.ts'
import type { Seen } from './fake-api.ts'
import { fakeApiPerTest } from './run-cli.ts'
import { queuedRequest, samplePlan } from './samples.ts'

const api = fakeApiPerTest()

const postgres = {
  kind: 'Blueprint',
  metadata: { name: 'postgres', revision: 1, updatedAt: '2026-11-24T12:00:00Z' },
  spec: {
    version: '1.2.0',
    price: 'free',
    environments: { prod: { defaults: { storageGB: 200 } } },
    parameters: {
      required: ['size', 'storageGB'],
      properties: {
        size: { enum: ['s', 'm'], description: 'Of the machine' },
        storageGB: { type: 'integer', default: 100 },
        note: { type: 'string' },
      },
    },
  },
}
const named = (...names: string[]) => ({ items: names.map((name) => ({ kind: 'X', metadata: { name }, spec: {} })) })
const reads: Readonly<Record<string, unknown>> = {
  '/v1/me': {
    teams: [
      { name: 'payments', role: 'developer' },
      { name: 'dba', role: 'viewer' },
    ],
  },
  '/v1/environments': named('dev', 'prod'),
  '/v1/blueprints': named('postgres', 'secret'),
  '/v1/blueprints/postgres': postgres,
}

function parametersIn({ body }: Seen): Record<string, unknown> {
  return (body as { changes: { parameters: Record<string, unknown> }[] }).changes[0]?.parameters ?? {}
}

/** Plans as the server would: sizes it does not know are wrong, and without one there is no plan. */
function serve(plan: object = samplePlan): void {
  api.answer = (seen) => {
    if (seen.method === 'GET') return { body: reads[seen.path] }
    if (seen.path === '/v1/requests') return { status: 202, body: queuedRequest }
    const { size } = parametersIn(seen)
    const detail = size === undefined ? 'is missing' : 'is none of s, m'
    return size === 's' || size === 'm'
      ? { body: plan }
      : { status: 422, body: problemDocument({ code: 'invalid-parameters', errors: [{ pointer: '/changes/0/parameters/size', detail }] }) }
  }
}

const type = (...lines: string[]) => ({ terminal: true, env: { NO_COLOR: '1' }, stdin: lines.map((line) => `${line}\n`).join('') })

describe('request -i', () => {
  it('asks for one thing after the other, says the price as it goes, and sends the plan that was seen', async () => {
    serve()

    const ran = await api.purser('request -i', type('', 'prod', 'postgres', 'orders-db', 'm', '', 'for orders: 1', 'y'))

    expect(ran.exit).toBe(0)
    expect(ran.stdout).toContain('queued')
    expect(ran.stderr).toContain('Team (payments) [payments]: Environment (dev, prod): Blueprint (postgres, secret): Name: ')
    expect(ran.stderr).toContain('size (s|m): ')
    expect(ran.stderr).toContain('storageGB (integer) [200]: ')
    expect(ran.stderr).toContain('  258.00 EUR a month · payments-prod: 1342.00 of 2500.00 left · organisation:\n  fits · needs approval\n')
    expect(api.seen.at(-1)).toMatchObject({
      path: '/v1/requests',
      body: {
        team: 'payments',
        environment: 'prod',
        changes: [{ action: 'create', blueprint: 'postgres', name: 'orders-db', parameters: { size: 'm', note: 'for orders: 1' } }],
        planDigest: samplePlan.plan.digest,
      },
    })
    expect(parametersIn(api.seen.at(-1) as Seen)).not.toHaveProperty('storageGB')
  })

  it('asks only for what is not said yet', async () => {
    serve()

    const ran = await api.purser('request -i create postgres orders-db size=s storageGB=5 --team payments --env prod', type('', 'y'))

    expect(ran.exit).toBe(0)
    expect(ran.stderr.split('\n')[0]).toBe(
      'note (string) [none]:   258.00 EUR a month · payments-prod: 1342.00 of 2500.00 left · organisation:',
    )
  })

  it('asks again for what is wrong or must be given', async () => {
    serve()

    const ran = await api.purser('request -i create postgres x --team payments --env prod', type('', 'xxl', '[', 's', '', '', 'y'))

    expect(ran.exit).toBe(0)
    expect(ran.stderr).toContain('This one must be given.')
    expect(ran.stderr).toContain('size is none of s, m')
    expect(ran.stderr).toContain('begins like JSON')
    expect(parametersIn(api.seen.at(-1) as Seen)).toEqual({ size: 's' })
  })

  it.each([
    ['no', ['s', '', '', 'n'], 1],
    ['nothing', ['s', '', '', ''], 1],
    ['the end of the input', ['s'], 1],
  ])('asks for nothing on %s', async (_, lines, exit) => {
    serve()

    const ran = await api.purser('request -i create postgres x --team payments --env prod', type(...lines))

    expect(ran).toMatchObject({ exit, stdout: '' })
    expect(ran.stderr).toContain('Nothing was asked for.')
    expect(api.seen.some((seen) => seen.path === '/v1/requests')).toBe(false)
  })

  it('does not even offer to ask for what is denied', async () => {
    serve({ ...samplePlan, decision: { ...samplePlan.decision, outcome: 'denied' } })

    const ran = await api.purser('request -i create postgres x --team payments --env prod', type('s', '', '', 'y'))

    expect(ran).toMatchObject({ exit: 3, stdout: '' })
    expect(api.seen.some((seen) => seen.path === '/v1/requests')).toBe(false)
  })

  it.each([
    ['without a terminal', 'request -i', { terminal: false }],
    ['of an update', 'request -i update x', { terminal: true }],
    ['beside a file', 'request -i -f x.yaml', { terminal: true }],
  ])('is wrong usage %s', async (_, line, world) => {
    expect((await api.purser(line, world)).exit).toBe(2)
    expect(api.seen).toHaveLength(0)
  })
})
