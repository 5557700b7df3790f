import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Document } from '../../src/core/document/document.ts'
import type { Requester } from '../../src/core/plan.ts'
import { base, createBox, makeDocument, makeFacts, makePlatform, planned, withDocuments } from './platforms.ts'

type Rule = { readonly when?: string; readonly effect?: string; readonly [field: string]: unknown }

function policy(name: string, rules: readonly Rule[], match: object = {}): Document {
  return makeDocument('Policy', name, { match, rules: rules.map((rule, i) => ({ name: `r${i}`, when: 'true', effect: 'deny', ...rule })) })
}

describe('laws of policy', () => {
  const rank = { allowed: 0, requires_approval: 1, denied: 2 } as const
  const condition = fc.constantFrom(
    'true',
    'false',
    'parameters.units > 3',
    "parameters.note == 'x'",
    "parameters.region == 'eu'",
    'environment.values.nothing == 1',
    'cost.after > 4.0',
  )
  const judging = fc.record({ when: condition, effect: fc.constantFrom('deny', 'require-approval', 'warn') })
  const setting = fc.record({
    when: fc.constantFrom('parameters.units > 3', 'parameters.units < 8'),
    effect: fc.constant('set'),
    set: fc.constantFrom({ 'parameters.units': 9 }, { 'parameters.units': 2 }, { 'parameters.region': 'us' }, { 'parameters.note': 'x' }),
  })
  const rules = fc.array(fc.oneof(judging, setting), { minLength: 1, maxLength: 4 })
  const units = fc.integer({ min: 1, max: 10 })

  it('a rule that denies or asks for approval never makes more possible', () => {
    const adding = fc.record({ when: condition, effect: fc.constantFrom('deny', 'require-approval') })
    fc.assert(
      fc.property(rules, adding, units, fc.constantFrom('a', 'z'), (before, added, n, name) => {
        const without = planned(withDocuments(policy('m', before)), createBox({ units: n }))
        const withIt = planned(withDocuments(policy('m', before), policy(name, [added])), createBox({ units: n }))

        expect(rank[withIt.decision.outcome]).toBeGreaterThanOrEqual(rank[without.decision.outcome])
        expect(withIt.decision.violations).toEqual(expect.arrayContaining([...without.decision.violations]))
        expect(withIt.decision.approvals).toEqual(expect.arrayContaining([...without.decision.approvals]))
        expect(withIt.digest).toBe(without.digest)
      }),
      { numRuns: 60 },
    )
  })

  it('the order of rules means nothing for the outcome and for what is planned', () => {
    fc.assert(
      fc.property(rules, units, (list, n) => {
        const forth = planned(withDocuments(policy('m', list)), createBox({ units: n }))
        const back = planned(withDocuments(policy('m', [...list].reverse())), createBox({ units: n }))

        expect(back.decision.outcome).toBe(forth.decision.outcome)
        if (forth.decision.outcome !== 'denied') expect(back.digest).toBe(forth.digest)
      }),
      { numRuns: 60 },
    )
  })

  it('what was decided once is decided again by the same input', () => {
    const requester: Requester = { subject: 'bot', kind: 'service-account', roles: ['developer'], via: 'x', groups: ['g'] }
    fc.assert(
      fc.property(rules, units, fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (list, n, now) => {
        const facts = { ...makeFacts([], now), requester }
        const documents = [...base, policy('m', list)]

        expect(planned(makePlatform(documents), createBox({ units: n }), facts)).toEqual(
          planned(makePlatform(structuredClone(documents)), createBox({ units: n }), facts),
        )
      }),
      { numRuns: 30 },
    )
  })
})
