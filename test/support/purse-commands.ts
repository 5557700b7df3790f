import type fc from 'fast-check'
import { expect } from 'vitest'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { approveRequest, rejectRequest } from '../../src/operations/decide-request.ts'
import { deleteDocument } from '../../src/operations/retire-document.ts'
import { claim, commitClaimed, failClaimed } from './delivery.ts'
import { ask, budget, outcomeOf, type House } from './house.ts'
import type { Purse } from './purse.ts'
import * as model from './purse-model.ts'
import type { Model, ModelBudget, ModelChange, ModelRequest } from './purse-model.ts'
import { textOf } from './text-of.ts'

/** What can happen to the purse, as steps that are taken by the model and by the house alike. */

/** Boxes and crates; 13 units are denied, 30 and more wait for blue, deletes in the vault for an owner. */
export const purseHouse = `
{ apiVersion: purser.dev/v1, kind: Environment, metadata: { name: lab }, spec: { gitops: { path: 'lab/\${team.name}' }, namespace: '\${team.name}-lab' } }
---
{ apiVersion: purser.dev/v1, kind: Environment, metadata: { name: vault }, spec: { gitops: { path: 'vault/\${team.name}' }, namespace: '\${team.name}-vault', deletion: { approvers: { role: owner, count: 1 } } } }
---
{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: red }, spec: { members: [{ user: ann@example.com, role: developer }, { user: ove@example.com, role: owner }] } }
---
{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: blue }, spec: { members: [{ user: bob@example.com, role: approver }] } }
---
${['box', 'crate']
  .map(
    (name) => `{ apiVersion: purser.dev/v1, kind: Blueprint, metadata: { name: ${name} }, spec: { version: 1.0.0,
  parameters: { type: object, required: [units], properties: { units: { type: integer, minimum: 0, maximum: 1000 } } },
  price: { monthly: '${name === 'box' ? '1.0' : '2.0'} * double(parameters.units)' },
  manifests: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' }, data: { units: '\${string(parameters.units)}' } }] } }`,
  )
  .join('\n---\n')}
---
apiVersion: purser.dev/v1
kind: Policy
metadata: { name: things }
spec:
  match: { blueprints: [box, crate], actions: [create, update] }
  rules:
    - { name: not-13, when: parameters.units == 13, effect: deny, message: Thirteen is out }
    - { name: big, when: parameters.units >= 30, effect: require-approval, approvers: { team: blue } }`

export type Real = { readonly house: House; readonly purse: Purse; readonly used: Map<string, bigint> }
export type Command = fc.AsyncCommand<Model, Real>

const people = (house: House, name: 'ann' | 'bob' | 'ove') => house.person(`${name}@example.com`)

/** The laws, after every step. */
async function expectTruth(m: Model, { purse, used }: Real): Promise<void> {
  const expected = [...m.budgets].map(([name, b]) => [name, `${model.committedOf(m, b)}+${model.reservedOf(m, b)}/${b.limit}`])
  expect(await purse.allCounters()).toEqual(Object.fromEntries(expected))
  expect(await purse.discrepancies()).toEqual([])
  for (const row of await purse.query('select id, committed + reserved as used, limit_amount as "limit" from budget')) {
    const [id, now, limit] = [String(row['id']), BigInt(String(row['used'])), BigInt(String(row['limit']))]
    const before = used.get(id)
    // A budget opens with what there is, and a limit may be lowered below it; then it only falls.
    if (before !== undefined && now > limit) expect(now).toBeLessThanOrEqual(before)
    used.set(id, now)
  }
}

function command(name: string, check: (m: Model) => boolean, act: (m: Model, real: Real) => Promise<void>): Command {
  return {
    check,
    toString: () => name,
    async run(m, real) {
      await act(m, real)
      await expectTruth(m, real)
    },
  }
}

export type Pick = { readonly name: string; readonly units: number; readonly remove: boolean }

/** A delete or an update of what lives, a create of what does not; names that an open request holds are left out. */
function changesOf(m: Model, environment: model.Environment, picks: readonly Pick[]): ModelChange[] {
  const busy = new Set(m.open.filter((r) => r.environment === environment).flatMap((r) => r.changes.map((c) => c.name)))
  return picks.flatMap(({ name, units, remove }): ModelChange[] => {
    if (busy.has(name)) return []
    const live = m.live.get(model.liveKey(environment, name))
    const blueprint = name.startsWith('b') ? 'box' : 'crate'
    if (live === undefined) return [{ action: 'create', name, blueprint, before: 0, after: units }]
    return [{ action: remove ? 'delete' : 'update', name, blueprint, before: live.units, after: remove ? 0 : units }]
  })
}

function needsOf(environment: model.Environment, changes: readonly ModelChange[]): ModelRequest['needs'] {
  return [
    ...(changes.some((c) => c.action !== 'delete' && c.after >= 30) ? (['bob'] as const) : []),
    ...(environment === 'vault' && changes.some((c) => c.action === 'delete') ? (['ove'] as const) : []),
  ]
}

export function submit(environment: model.Environment, picks: readonly Pick[]): Command {
  return command(
    `ask in ${environment}: ${JSON.stringify(picks)}`,
    (m) => changesOf(m, environment, picks).length > 0,
    async (m, { house }) => {
      const changes = changesOf(m, environment, picks)
      const needs = needsOf(environment, changes)
      const denied = changes.some((c) => c.action !== 'delete' && c.after === 13)
      const short = model.shortOf(m, environment, changes)

      const submitted = await ask(
        house,
        await people(house, 'ann'),
        changes.map(({ action, name, blueprint, after }) =>
          action === 'delete'
            ? { action, name }
            : action === 'create'
              ? { action, name, blueprint, parameters: { units: after } }
              : { action, name, parameters: { units: after } },
        ),
        { environment },
      )

      expect(outcomeOf(submitted)).toBe(
        denied ? 'policy-denied' : short.length > 0 ? 'budget-exceeded' : needs.length > 0 ? 'pending_approval' : 'queued',
      )
      if (!submitted.answer.ok) {
        if ('budgets' in submitted.answer.problem) expect(submitted.answer.problem.budgets.map((b) => b.name).sort()).toEqual(short.sort())
        return
      }
      const { digest } = submitted.answer.value['plan'] as { digest: string }
      m.open.push({ id: textOf(submitted.answer.value['id']), digest, environment, changes, needs, claimed: false })
    },
  )
}

const pendingOf = (m: Model): ModelRequest[] => m.open.filter((request) => request.needs.length > 0)
const at = <T>(items: readonly T[], index: number): T => {
  const item = items[index % items.length]
  if (item === undefined) throw new Error('nothing there')
  return item
}

export function approve(index: number): Command {
  return command(
    `approve ${index}`,
    (m) => pendingOf(m).length > 0,
    async (m, { house }) => {
      const request = at(pendingOf(m), index)
      for (const voter of request.needs)
        expect(await approveRequest(house.context, await people(house, voter), request.id, { planDigest: request.digest })).toMatchObject({
          ok: true,
        })
      request.needs = []
      m.open = [...m.open.filter((other) => other !== request), request]
    },
  )
}

export function reject(index: number): Command {
  return command(
    `reject ${index}`,
    (m) => pendingOf(m).length > 0,
    async (m, { house }) => {
      const request = at(pendingOf(m), index)
      expect(await rejectRequest(house.context, await people(house, at(request.needs, 0)), request.id, { comment: 'no' })).toMatchObject({
        ok: true,
        value: { state: 'rejected' },
      })
      m.open = m.open.filter((other) => other !== request)
    },
  )
}

export function cancel(index: number): Command {
  return command(
    `cancel ${index}`,
    (m) => m.open.length > 0,
    async (m, { house }) => {
      const request = at(m.open, index)
      const cancelled = await cancelRequest(house.context, await people(house, 'ann'), request.id)
      expect(cancelled.ok ? 'cancelled' : cancelled.problem.code).toBe(request.claimed ? 'wrong-state' : 'cancelled')
      if (!request.claimed) m.open = m.open.filter((other) => other !== request)
    },
  )
}

export function deliver(count: number, fail: boolean): Command {
  return command(
    `${fail ? 'fail' : 'commit'} ${count}`,
    (m) => model.deliverable(m).length > 0,
    async (m, { house }) => {
      const { pool } = house.context.database
      const wanted = model.deliverable(m).slice(0, count)
      const claimed = await claim(pool, count)
      expect(claimed.map((request) => request.id).sort()).toEqual(wanted.map((request) => request.id).sort())
      for (const request of wanted) request.claimed = true
      // Of what was claimed the last stays open, for another round.
      const done = wanted.slice(0, Math.max(1, count - 1))
      if (fail) {
        for (const request of done) expect(await failClaimed(pool, request.id)).toBe(true)
        m.open = m.open.filter((other) => !done.includes(other))
      } else {
        await commitClaimed(
          pool,
          done.map((request) => request.id),
        )
        for (const request of done) model.land(m, request)
      }
    },
  )
}

export function putBudget(name: string, b: ModelBudget): Command {
  const spec = {
    scope: { ...(b.team === null ? {} : { team: b.team }), ...(b.environment === null ? {} : { environment: b.environment }) },
    measure: b.measure,
    ...(b.blueprints === null ? {} : { match: { blueprints: b.blueprints } }),
    limit: b.measure === 'cost' ? (b.limit / 100).toFixed(2) : b.limit,
  }
  return command(
    `budget ${name}: ${JSON.stringify(spec)}`,
    () => true,
    async (m, { house }) => {
      await house.apply(budget(name, JSON.stringify(spec)))
      m.budgets.set(name, b)
    },
  )
}

export function dropBudget(name: string): Command {
  return command(
    `no budget ${name}`,
    (m) => m.budgets.has(name),
    async (m, { house }) => {
      expect(await deleteDocument(house.context, house.administrator, 'Budget', name, { dryRun: false, ifMatch: null })).toMatchObject({
        ok: true,
      })
      m.budgets.delete(name)
    },
  )
}
