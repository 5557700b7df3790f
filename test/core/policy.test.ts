import { describe, expect, it } from 'vitest'
import type { Document } from '../../src/core/document/document.ts'
import type { Decision, Plan } from '../../src/core/plan.ts'
import { createBox, liveAfter, makeDocument, makeFacts, planned, refusal, withDocuments } from './platforms.ts'

type Rule = { readonly when?: string; readonly effect?: string; readonly [field: string]: unknown }

function policy(name: string, rules: readonly Rule[], match: object = {}): Document {
  return makeDocument('Policy', name, { match, rules: rules.map((rule, i) => ({ name: `r${i}`, when: 'true', effect: 'deny', ...rule })) })
}

/** The decision on creating a box of so many units in dev. */
function decide(documents: readonly Document[], parameters: object = { units: 5 }): Decision {
  return planned(withDocuments(...documents), createBox(parameters)).decision
}

describe('a rule', () => {
  const table: readonly { readonly reason: string; readonly rule: Rule; readonly match?: object; readonly outcome: Decision['outcome'] }[] =
    [
      { reason: 'its condition holds', rule: { when: 'parameters.units == 5' }, outcome: 'denied' },
      { reason: 'its condition does not hold', rule: { when: 'parameters.units == 6' }, outcome: 'allowed' },
      { reason: 'integers divide as integers', rule: { when: '7 / 2 == 3 && parameters.units / 2 == 2' }, outcome: 'denied' },
      { reason: 'defaults are filled in before', rule: { when: "parameters.region == 'eu'" }, outcome: 'denied' },
      { reason: 'on create there is nothing before', rule: { when: '!has(previous.units)' }, outcome: 'denied' },
      { reason: 'the cost is known', rule: { when: 'cost.after == 5.0 && cost.before == 0.0 && cost.delta == 5.0' }, outcome: 'denied' },
      {
        reason: 'the team is known',
        rule: { when: "team.name == 'red' && team.title == 'red' && team.costCenter == '17'" },
        outcome: 'denied',
      },
      {
        reason: 'the environment is known',
        rule: { when: "environment.namespace == 'red-dev' && environment.values.region == 'eu-north-1'" },
        outcome: 'denied',
      },
      {
        reason: 'the blueprint is known',
        rule: { when: "blueprint.version == '1.0.0' && 'toy' in blueprint.tags && blueprint.lifecycle == 'production'" },
        outcome: 'denied',
      },
      {
        reason: 'the requester is known',
        rule: { when: "requester.subject == 'ann@example.com' && 'developer' in requester.roles && requester.via == ''" },
        outcome: 'denied',
      },
      {
        reason: 'the time is an input',
        rule: { when: "now == timestamp('2026-03-02T10:00:00Z') && now.getDayOfWeek() == 1" },
        outcome: 'denied',
      },
      { reason: 'the name is known', rule: { when: "resource.name == 'a-box' && action == 'create'" }, outcome: 'denied' },
      { reason: 'a warning stops nothing', rule: { effect: 'warn' }, outcome: 'allowed' },
      { reason: 'an approval is needed', rule: { effect: 'require-approval' }, outcome: 'requires_approval' },
      { reason: 'its environment is another', rule: {}, match: { environments: ['prod'] }, outcome: 'allowed' },
      { reason: 'its environment is one of several', rule: {}, match: { environments: ['prod', 'd*'] }, outcome: 'denied' },
      { reason: 'its team is another', rule: {}, match: { teams: ['blue'] }, outcome: 'allowed' },
      { reason: 'its blueprint is covered by a glob', rule: {}, match: { blueprints: ['b*x'] }, outcome: 'denied' },
      { reason: 'a glob has to cover the whole name', rule: {}, match: { blueprints: ['b', '*o', 'x*'] }, outcome: 'allowed' },
      { reason: 'its action is another', rule: {}, match: { actions: ['update', 'delete'] }, outcome: 'allowed' },
      { reason: 'all parts of a match have to fit', rule: {}, match: { environments: ['dev'], teams: ['blue'] }, outcome: 'allowed' },
      { reason: 'it has no value: fail closed', rule: { when: 'previous.units == 3', effect: 'warn' }, outcome: 'denied' },
    ]

  it.each(table)('gives $outcome, because $reason', ({ rule, match, outcome }) => {
    expect(decide([policy('p', [rule], match)]).outcome).toBe(outcome)
  })

  it('says why it has no value', () => {
    const { violations } = decide([policy('p', [{ when: 'environment.values.cloud == "x"', effect: 'require-approval' }])])

    expect(violations).toEqual([{ policy: 'p', rule: 'r0', message: expect.stringMatching(/^Rule r0 cannot be evaluated: .*cloud/) }])
  })

  it('speaks in its own words, with the remedy', () => {
    const { violations } = decide([
      policy('p', [{ message: '${parameters.units} is too much for ${team.name}', remedy: 'Take ${string(parameters.units - 1)}' }]),
    ])

    expect(violations).toEqual([{ policy: 'p', rule: 'r0', message: '5 is too much for red', remedy: 'Take 4' }])
  })

  it('denies even when its words have no value', () => {
    const { outcome, violations } = decide([policy('p', [{ message: 'Not in ${environment.values.cloud}' }])])

    expect(outcome).toBe('denied')
    expect(violations[0]?.message).toBe('Rule r0 of policy p denies this')
  })

  it('never evaluates what is in a parameter', () => {
    const { violations } = decide([policy('p', [{ message: 'No: ${parameters.?note.orValue("")}' }])], {
      units: 1,
      note: '${team.name} {{x}}',
    })

    expect(violations[0]?.message).toBe('No: ${team.name} {{x}}')
  })

  it('is heard with all the others, in the order of policies and rules', () => {
    const { outcome, violations, warnings, approvals } = decide([
      policy('b', [{ message: 'first' }, { effect: 'require-approval', approvers: { team: 'blue', count: 2 } }]),
      policy('a', [{ effect: 'warn', message: 'careful' }, { message: 'second' }]),
    ])

    expect(outcome).toBe('denied')
    expect(violations.map((v) => `${v.policy}/${v.rule} ${v.message}`)).toEqual(['a/r1 second', 'b/r0 first'])
    expect(warnings).toEqual([{ policy: 'a', rule: 'r0', message: 'careful' }])
    expect(approvals).toEqual([{ source: 'policy', policy: 'b', rule: 'r1', approvers: { team: 'blue', role: 'approver' }, required: 2 }])
  })

  it('asks the requesting team for an approval when it names no other', () => {
    expect(decide([policy('p', [{ effect: 'require-approval', approvers: { role: 'owner' } }])]).approvals).toEqual([
      { source: 'policy', policy: 'p', rule: 'r0', approvers: { team: 'red', role: 'owner' }, required: 1 },
    ])
  })
})

describe('a set rule', () => {
  const set = (values: object, when = 'true'): Rule => ({ effect: 'set', when, set: values })
  const plan = (documents: readonly Document[], parameters: object = { units: 5 }): Plan =>
    planned(withDocuments(...documents), createBox(parameters))

  it('changes what is planned, priced and rendered, and is named', () => {
    const { changes, decision, files } = plan([policy('p', [set({ 'parameters.units': 9, 'parameters.note': '${team.name} said so' })])])

    expect(changes[0]).toMatchObject({ parameters: { units: 9, note: 'red said so' }, cost: { before: 0n, after: 900n } })
    expect(files[0]?.content).toContain('u9')
    expect(decision.applied).toEqual([{ policy: 'p', rule: 'r0', set: { 'parameters.units': 9, 'parameters.note': 'red said so' } }])
  })

  it('is not named where it changes nothing', () => {
    expect(plan([policy('p', [set({ 'parameters.units': 5, 'parameters.region': 'eu' })])]).decision.applied).toEqual([])
  })

  it('takes an expression typed: an int stays one', () => {
    expect(plan([policy('p', [set({ 'parameters.units': '${parameters.units * 2}' })])]).changes[0]?.parameters).toMatchObject({
      units: 10,
    })
  })

  it('reaches inside, and leaves the rest there', () => {
    expect(
      plan([policy('p', [set({ 'parameters.backup.days': 1 })])], { units: 1, backup: { window: 'night' } }).changes[0]?.parameters,
    ).toMatchObject({ backup: { days: 1, window: 'night' } })
  })

  it('removes with null, and a default comes back', () => {
    expect(
      plan([policy('p', [set({ 'parameters.region': null, 'parameters.note': null })])], { units: 1, region: 'us', note: 'x' }).changes[0]
        ?.parameters,
    ).toEqual({ units: 1, region: 'eu', backup: { days: 7 } })
  })

  it('sees the same input as every other: their order means nothing', () => {
    const double = policy('a', [set({ 'parameters.units': '${parameters.units * 2}' })])
    const note = policy('b', [set({ 'parameters.note': 'has ${parameters.units}' })])

    expect(plan([double, note]).changes[0]?.parameters).toMatchObject({ units: 10, note: 'has 5' })
  })

  it('is judged by the other rules with what it set', () => {
    expect(plan([policy('a', [{ when: 'parameters.units > 8' }]), policy('b', [set({ 'parameters.units': 9 })])]).decision.outcome).toBe(
      'denied',
    )
  })

  it('denies when another sets the same to something else', () => {
    const { decision } = plan([
      policy('a', [set({ 'parameters.units': 1 }, 'parameters.units > 4')]),
      policy('b', [set({ 'parameters.units': 2 }, 'parameters.units > 3')]),
    ])

    expect(decision.outcome).toBe('denied')
    expect(decision.violations).toEqual([
      { policy: 'b', rule: 'r0', message: 'Rules a/r0 and b/r0 set parameters.units to different values' },
    ])
  })

  it('may agree with another', () => {
    const { decision } = plan([
      policy('a', [set({ 'parameters.units': 1 }, 'parameters.units > 4')]),
      policy('b', [set({ 'parameters.units': 1 }, 'parameters.units > 3')]),
    ])

    expect(decision).toMatchObject({ outcome: 'allowed', applied: [{ policy: 'a' }, { policy: 'b' }] })
  })

  it('denies when another sets a part of the same', () => {
    expect(
      plan([
        policy('a', [
          set({ 'parameters.backup': { days: 1 } }, 'parameters.units > 4'),
          set({ 'parameters.backup.days': 2 }, 'parameters.units > 4'),
        ]),
      ]).decision.outcome,
    ).toBe('denied')
  })

  it('is refused at the parameters when what it sets does not fit the schema, and is named', () => {
    const problem = refusal(withDocuments(policy('p', [set({ 'parameters.units': 5000 })])), createBox({ units: 5 }))

    expect(problem).toEqual({
      code: 'invalid-parameters',
      errors: [{ pointer: '/changes/0/parameters/units', detail: 'must be at most 1000 (after policy set it: p/r0)' }],
    })
  })

  it('has no say on a delete', () => {
    const platform = withDocuments(policy('p', [set({ 'parameters.units': 9 })]))
    const live = liveAfter(planned(withDocuments(), createBox({ units: 5 })))

    expect(
      planned(platform, { team: 'red', environment: 'dev', changes: [{ action: 'delete', name: 'a-box' }] }, makeFacts([live])).decision,
    ).toMatchObject({ outcome: 'allowed', applied: [] })
  })
})

describe('an update and a delete', () => {
  const live = liveAfter(planned(withDocuments(), createBox({ units: 5, note: 'old' })))
  const decideOn = (rule: Rule, change: object): Decision =>
    planned(
      withDocuments(policy('p', [rule])),
      { team: 'red', environment: 'dev', changes: [{ name: 'a-box', ...change } as never] },
      makeFacts([live]),
    ).decision

  it('is compared with what was there before', () => {
    expect(
      decideOn(
        { when: 'previous.units == 5 && parameters.units == 7 && cost.delta == 2.0 && previous.note == parameters.note' },
        { action: 'update', parameters: { units: 7 } },
      ).outcome,
    ).toBe('denied')
  })

  it('is, when it deletes, of what is there', () => {
    expect(
      decideOn(
        { when: "action == 'delete' && previous == parameters && parameters.units == 5 && cost.after == 0.0 && cost.before == 5.0" },
        { action: 'delete' },
      ).outcome,
    ).toBe('denied')
  })
})
