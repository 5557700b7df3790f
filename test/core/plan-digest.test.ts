import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Document } from '../../src/core/document/document.ts'
import { canonicalize } from '../../src/core/json.ts'
import { formatMoney } from '../../src/core/money.ts'
import type { ChangeInput, Plan, RequestInput } from '../../src/core/plan.ts'
import { base, createBox, liveAfter, makeDocument, makeFacts, makePlatform, planned, withDocuments } from './platforms.ts'

const platform = withDocuments()

function request(...changes: readonly object[]): RequestInput {
  // Some of them are wrong on purpose.
  return { team: 'red', environment: 'dev', changes: changes as readonly ChangeInput[] }
}

const create = (name: string, extra: object = {}) => ({ action: 'create', blueprint: 'box', name, parameters: { units: 5 }, ...extra })

/** JCS for what occurs here, written apart from the one under test. */
function jcs(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jcs).join()}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${JSON.stringify(k)}:${jcs(v)}`)
      .join()}}`
  return JSON.stringify(value)
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text, 'utf8').digest('hex')}`
}

/** The digest as the contract words it, from what the answer shows. */
function digestOf({ team, environment, repository, branch, changes, files }: Plan): string {
  return sha256(
    jcs({
      team,
      environment,
      repository,
      branch,
      changes: changes.map((c) => ({
        action: c.action,
        blueprint: c.blueprint.name,
        version: c.blueprint.version,
        name: c.name,
        parameters: c.parameters,
        ttl: c.ttl,
        cost: { before: formatMoney(c.cost.before), after: formatMoney(c.cost.after) },
        baseRevision: c.baseRevision,
      })),
      files: files.map((f) => ({ path: f.path, operation: f.operation, digest: f.digest })),
    }),
  )
}

describe('the plan digest', () => {
  const live = liveAfter(planned(platform, createBox({ units: 5 })), 3)
  const name = fc.constantFrom('a', 'b', 'a-b', 'z9')
  const text = fc.string({ maxLength: 20 }).filter((s) => !/[\0\ud800-\udfff]/.test(s))
  const input = fc
    .record({
      names: fc.uniqueArray(name, { minLength: 1 }),
      units: fc.integer({ min: 1, max: 1000 }),
      note: fc.option(text, { nil: undefined }),
      ttl: fc.constantFrom(undefined, 'P2W'),
      environment: fc.constantFrom('dev', 'prod'),
      change: fc.constantFrom(null, 'update', 'delete'),
    })
    .map(({ names, units, note, ttl, environment, change }): RequestInput => ({
      team: 'red',
      environment,
      changes: [
        ...names.map((n): ChangeInput => ({
          action: 'create',
          name: n,
          blueprint: 'box',
          parameters: { units, ...(note === undefined ? {} : { note }) },
          ...(ttl === undefined ? {} : { ttl }),
        })),
        ...(change === null ? [] : [{ action: change, name: 'a-box' } as const]),
      ],
    }))

  it('is what anyone computes from the answer, and the same each time', () => {
    fc.assert(
      fc.property(input, (asked) => {
        const plan = planned(platform, asked, makeFacts([live]))

        expect(plan.digest).toBe(digestOf(plan))
        expect(
          planned(
            makePlatform(structuredClone([...base]), undefined, 9),
            structuredClone(asked),
            makeFacts([structuredClone(live)], new Date(5)),
          ).digest,
        ).toBe(plan.digest)
      }),
    )
  })

  it('has the files by path and the changes in the order asked', () => {
    const plan = planned(platform, request(create('z'), create('a')))

    expect(plan.changes.map((c) => c.name)).toEqual(['z', 'a'])
    expect(plan.files.map((f) => f.path)).toEqual(['tenants/red/dev/a/00-configmap-a.yaml', 'tenants/red/dev/z/00-configmap-z.yaml'])
    expect(plan.files.map((f) => f.change)).toEqual([1, 0])
  })

  it('does not depend on who asks and why', () => {
    const facts = { ...makeFacts(), requester: { subject: 'x', kind: 'service-account', roles: [], via: 'bot', groups: [] } as const }

    expect(planned(platform, { ...request(create('a')), reason: 'because' }, facts).digest).toBe(
      planned(platform, request(create('a'))).digest,
    )
  })

  it('is another one after the base has moved on', () => {
    const update = request({ action: 'update', name: 'a-box', parameters: { units: 6 } })

    expect(planned(platform, update, makeFacts([{ ...live, revision: 4 }])).digest).not.toBe(
      planned(platform, update, makeFacts([live])).digest,
    )
  })
})

describe('the policy digest', () => {
  const policy = (name: string, when: string, match = {}) =>
    makeDocument('Policy', name, { match, rules: [{ name: 'a', when, effect: 'warn' }] })
  const digestWith = (...policies: readonly Document[]) => planned(withDocuments(...policies), request(create('a'))).policyDigest

  it('is of the policies that had a say, by content and revision', () => {
    const one = digestWith(policy('p', 'true'))

    expect(digestWith(policy('p', 'false'))).not.toBe(one)
    expect(digestWith(policy('q', 'true'))).not.toBe(one)
    expect(digestWith(policy('p', 'true'), policy('q', 'true', { environments: ['prod'] }))).toBe(one)
    expect(planned(makePlatform([...base, policy('p', 'true')], undefined, 2), request(create('a'))).policyDigest).not.toBe(one)
  })
})

describe('the canonical form', () => {
  it('has members in order and text as JSON writes it, whatever is in it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(canonicalize(value)).toBe(jcs(value))
      }),
    )
    // Half of a pair, which that one never makes.
    expect(canonicalize({ b: 'x\ud800', a: '"\\\u2028\u007f\n' })).toBe('{"a":"\\"\\\\\u2028\u007f\\n","b":"x\\ud800"}')
  })
})
