import type pg from 'pg'
import { expect, test } from 'vitest'
import { isObject, type JsonObject } from '../../src/core/json.ts'
import { problemDocument, type ProblemCode } from '../../src/core/problem.ts'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { planRequest } from '../../src/operations/plan-request.ts'
import { openPlanReads } from '../../src/store/plan-reads.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, openHouse, remove, update, type Change } from '../support/house.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
const odd = boxes.split('---\n').find((document) => document.includes('kind: Blueprint')) ?? ''
await house.apply(
  [
    boxes,
    odd.replace('name: box }', 'name: odd }').replace("name: '${resource.name}'", 'name: same'),
    budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '1000.00' }"),
    budget('red-few', '{ scope: { team: red }, measure: count, limit: 5 }'),
    budget('red-odd', "{ scope: { team: red }, match: { blueprints: ['od*'] }, limit: '10.00' }"),
    budget('lab-all', "{ scope: { environment: lab }, limit: '900.00' }"),
    budget('blue-lab', "{ scope: { team: blue, environment: lab }, limit: '900.00' }"),
  ].join('\n---\n'),
)
const ann = await house.person('ann@example.com')
await ask(house, ann, [create('here', 100), create('there', 50), { ...create('odd', 3), blueprint: 'odd' } as Change])
await commitAll(house.context.database.pool)
await ask(house, ann, [create('big', 500)])
await ask(house, ann, [update('there', 60)])

const cases: readonly (readonly [string, ProblemCode | null, readonly Change[]])[] = [
  ['a name that is taken', 'resource-exists', [create('here', 1)]],
  ['a name that is asked for already', 'resource-busy', [create('big', 1)]],
  ['a resource with an open request', 'resource-busy', [update('there', 1)]],
  ['an object that is somebody else’s', 'object-exists', [{ ...create('odd-too', 1), blueprint: 'odd' } as Change]],
  ['the first of two reasons', 'resource-busy', [create('new', 1), create('big', 1), create('here', 1)]],
  ['a resource before an object', 'resource-exists', [{ ...create('odd-too', 1), blueprint: 'odd' } as Change, create('here', 1)]],
  ['a budget of its team', 'budget-exceeded', [update('here', 490)]],
  ['a count', 'budget-exceeded', [create('n1', 1), create('n2', 1), create('n3', 1)]],
  ['policy', 'policy-denied', [create('new', 13)]],
  ['nothing: a decrease', null, [update('here', 90)]],
  ['nothing: a delete', null, [remove('odd')]],
  ['nothing: an update and a create, each in its budgets', null, [update('here', 95), create('new', 1)]],
]

type Answer = { readonly problem: unknown; readonly budgets: unknown }

function refusedWith(document: JsonObject): Answer {
  // The one thing that a plan has not: a denied submit is a request.
  const { requestId, ...problem } = document
  return { problem: document['code'] === 'resource-busy' ? { ...problem, requestId } : problem, budgets: null }
}

async function planned(context: typeof house.context, changes: readonly Change[]): Promise<Answer> {
  const plan = await planRequest(context, ann, { team: 'red', environment: 'lab', changes })
  if (!plan.ok) return refusedWith(problemDocument(plan.problem) as unknown as JsonObject)
  const { problem, budgets } = plan.value
  return isObject(problem) ? refusedWith(problem as JsonObject) : { problem: null, budgets }
}

async function submitted(changes: readonly Change[]): Promise<Answer> {
  const { answer } = await ask(house, ann, changes)
  if (!answer.ok) return refusedWith(problemDocument(answer.problem) as unknown as JsonObject)
  // The next is to find what the plans found.
  await cancelRequest(house.context, ann, textOf(answer.value['id']))
  return { problem: null, budgets: answer.value['budgets'] }
}

test('a plan is refused for what a submit is refused for, and has its budgets, whoever is planned beside it', async () => {
  const statements: string[] = []
  const { pool } = house.context.database
  const watching = {
    query: (statement: pg.QueryConfig) => {
      statements.push(statement.name ?? '')
      return pool.query(statement)
    },
  } as unknown as pg.Pool // Of a pool, the store uses `query` alone.
  const context = { ...house.context, planReads: openPlanReads(watching) }
  await context.platform()

  const plans = await Promise.all(cases.map(([, , changes]) => planned(context, changes)))

  expect(statements.length).toBeLessThan(cases.length / 2)
  for (const [i, [what, code, changes]] of cases.entries()) {
    expect({ what, plan: plans[i] }).toEqual({ what, plan: await submitted(changes) })
    expect({ what, plan: plans[i] }).toMatchObject({ what, plan: { problem: code === null ? null : { code } } })
  }
})
