import { EventEmitter, once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { parseYamlDocuments } from '../../src/core/yaml.ts'
import { applyDocuments } from '../../src/operations/apply-documents.ts'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { approveRequest } from '../../src/operations/decide-request.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { claim, commitAll, commitClaimed } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, outcomeOf, update, type Process } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { openSessions } from '../support/sessions.ts'

/** Documents that come into force while something else is under way. */
const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const [first, second] = await openSessions(house, 2)
if (first === undefined || second === undefined) throw new Error('two sessions')
await house.apply(boxes)
const ann = await house.person('ann@example.com')
const { pool } = house.context.database

afterEach(async () => {
  expect(await purse.discrepancies()).toEqual([])
})

async function apply(process: Process, yaml: string): Promise<void> {
  const parsed = parseYamlDocuments(yaml)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
  const applied = await applyDocuments(process.context, house.administrator, { documents: parsed.value, dryRun: false })
  if (!applied.ok) throw new Error(JSON.stringify(applied.problem))
}

const deny = (units: number) => `
{ apiVersion: purser.dev/v1, kind: Policy, metadata: { name: not-${units} }, spec: { match: { blueprints: [box] }, rules: [{ name: no, when: 'parameters.units == ${units}', effect: deny, message: 'No ${units}' }] } }`

describe('a rule applied between read and admit is never missed', () => {
  test('a deny that is under way is waited for, and then it denies', async () => {
    await first.begin()
    await apply(first, deny(21))
    const late = ask(second, ann, [create('a', 21)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('policy-denied')
  })

  test('a deny that is rolled back denies nothing', async () => {
    await first.begin()
    await apply(first, deny(22))
    const late = ask(second, ann, [create('b', 22)])
    await second.untilBlockedBy(first)
    await first.rollback()

    expect(outcomeOf(await late)).toBe('queued')
  })

  test('a deny that was applied before a plan on the old platform is admitted denies, though no notice of it has come', async () => {
    const deaf = { context: house.another({ deaf: true }) }
    expect(outcomeOf(await ask(deaf, ann, [create('c', 1)]))).toBe('queued')

    await apply(house, deny(23))

    expect(outcomeOf(await ask(deaf, ann, [create('d', 23)]))).toBe('policy-denied')
  })

  test('a submit that is under way is waited for: it was decided before', async () => {
    await first.begin()
    expect(outcomeOf(await ask(first, ann, [create('e', 24)]))).toBe('queued')
    const late = apply(second, deny(24))
    await second.untilBlockedBy(first)
    await first.commit()
    await late

    expect(outcomeOf(await ask(house, ann, [create('f', 24)]))).toBe('policy-denied')
  })

  test('a role that was taken away between read and admit asks for nothing', async () => {
    const deaf = { context: house.another({ deaf: true }) }
    const tom = await house.person('tom@example.com')
    const team = (members: string) => `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: teal }, spec: { members: [${members}] } }`
    await apply(house, team('{ user: tom@example.com, role: developer }'))
    expect(outcomeOf(await ask(deaf, tom, [create('a', 1)], { team: 'teal' }))).toBe('queued')

    await apply(house, team(''))

    expect(outcomeOf(await ask(deaf, tom, [create('b', 1)], { team: 'teal' }))).toBe('forbidden')
  })

  test('an owner that was one a moment ago writes no document', async () => {
    const deaf = house.another({ deaf: true })
    const tom = await house.person('tom@example.com')
    const team = (members: string, slack: string) =>
      `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: tan }, spec: { members: [${members}], contact: { slack: '#${slack}' } } }`
    const own = '{ user: tom@example.com, role: owner }'
    const put = async (slack: string) => {
      const parsed = parseYamlDocuments(team(own, slack))
      return applyDocuments(deaf, tom, { documents: parsed.ok ? parsed.value : [], dryRun: false })
    }
    await apply(house, team(own, 'one'))
    expect(await put('two')).toMatchObject({ ok: true })

    await apply(house, team('', 'three'))

    expect(await put('four')).toMatchObject({ ok: false, problem: { code: 'forbidden' } })
  })
})

describe('a budget that opens counts everything in flight exactly once', () => {
  const wide = (name: string, limit = '100000.00') => budget(name, `{ scope: { team: red }, limit: '${limit}' }`)

  test('a submit under way', async () => {
    await first.begin()
    idOf(await ask(first, ann, [create('g', 100)]))
    const late = apply(second, wide('one'))
    await second.untilBlockedBy(first)
    await first.commit()
    await late

    expect(await purse.discrepancies()).toEqual([])
    expect(
      await purse.query(
        "select count(*)::int as n from budget_entry e join budget b on b.id = e.budget_id where b.name = 'one' and e.amount = 10000",
      ),
    ).toEqual([{ n: 1 }])
  })

  test('a submit that comes while it opens', async () => {
    await first.begin()
    await apply(first, wide('two'))
    const late = ask(second, ann, [create('h', 101)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('queued')
    expect(
      await purse.query(
        "select count(*)::int as n from budget_entry e join budget b on b.id = e.budget_id where b.name = 'two' and e.amount = 10100",
      ),
    ).toEqual([{ n: 1 }])
  })

  test.each(['under way', 'that waits'])('a settlement %s', async (order) => {
    idOf(await ask(house, ann, [create(`s-${order.length}`, 10)]))
    const claimed = (await claim(pool)).map((request) => request.id)
    const [early, late] = order === 'under way' ? [commitClaimed, apply] : [apply, commitClaimed]
    await first.begin()
    await (early === apply ? apply(first, wide('three')) : commitClaimed(first.pool, claimed))
    const waiting = late === apply ? apply(second, wide('four')) : commitClaimed(second.pool, claimed)
    await second.untilBlockedBy(first)
    await first.commit()
    await waiting

    expect(await purse.discrepancies()).toEqual([])
  })

  test.each(['under way', 'that waits'])('a cancellation %s', async (order) => {
    const id = idOf(await ask(house, ann, [create(`t-${order.length}`, 10)]))
    await first.begin()
    if (order === 'under way') await cancelRequest(first.context, ann, id)
    else await apply(first, wide('five'))
    const waiting = order === 'under way' ? apply(second, wide('six')) : cancelRequest(second.context, ann, id).then(() => undefined)
    await second.untilBlockedBy(first)
    await first.commit()
    await waiting

    expect(await purse.discrepancies()).toEqual([])
  })

  test('a limit that goes down while a submit comes is kept to', async () => {
    await commitAll(pool)
    const [used] = await purse.query("select committed::int as n from budget where name = 'one' and retired_at is null")
    const limit = ((Number(used?.['n']) + 500) / 100).toFixed(2)
    await first.begin()
    await apply(first, wide('one', limit))
    const late = ask(second, ann, [create('i', 6)])
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('budget-exceeded')
    expect(outcomeOf(await ask(house, ann, [create('i', 5)]))).toBe('queued')
    await apply(house, wide('one'))
  })
})

describe('two merge patches of one resource never lose one', () => {
  const patch = (name: string, note: string) => [{ action: 'update' as const, name, parameters: { note } }]

  async function parametersOf(name: string): Promise<unknown> {
    return (await purse.query('select parameters from resource where name = $1', [name]))[0]?.['parameters']
  }

  test('the second is busy while the first is open', async () => {
    idOf(await ask(house, ann, [create('j', 1)]))
    await commitAll(pool)
    await first.begin()
    idOf(await ask(first, ann, [update('j', 2)]))
    const late = ask(second, ann, patch('j', 'hello'))
    await second.untilBlockedBy(first)
    await first.commit()

    expect(outcomeOf(await late)).toBe('resource-busy')
  })

  test('the second is planned again when the first was committed between its read and its admission', async () => {
    idOf(await ask(house, ann, [create('k', 1)]))
    await commitAll(pool)
    const stopped = stopBeforeAdmission(house)
    const late = ask(stopped.process, ann, patch('k', 'hello'))
    await stopped.reached

    idOf(await ask(house, ann, [update('k', 2)]))
    await commitAll(pool)
    stopped.go()

    expect(outcomeOf(await late)).toBe('queued')
    await commitAll(pool)
    expect(await parametersOf('k')).toEqual({ units: 2, note: 'hello' })
  })
})

/** A process that stands still between what it read and the one statement that admits. */
function stopBeforeAdmission({ context }: Process): { readonly process: Process; readonly reached: Promise<void>; go(): void } {
  const gate = new EventEmitter()
  const [reached, gone] = [once(gate, 'reached'), once(gate, 'gone')]
  const process: Process = {
    context: {
      ...context,
      admission: {
        async admit(submit) {
          gate.emit('reached')
          await gone
          return context.admission.admit(submit)
        },
      },
    },
  }
  return { process, reached: reached.then(() => undefined), go: () => void gate.emit('gone') }
}

describe('a vote that meets a document', () => {
  test('is judged on the platform that comes into force meanwhile', async () => {
    const bob = await house.person('bob@example.com')
    const id = idOf(await ask(house, ann, [create('l', 500)]))
    const read = await readRequest(house.context, ann, id)
    const planDigest = read.ok ? (read.value['plan'] as { digest: string }).digest : ''
    await first.begin()
    await apply(
      first,
      '{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: blue }, spec: { members: [{ user: bob@example.com, role: developer }] } }',
    )
    const late = approveRequest(second.context, bob, id, { planDigest })
    await second.untilBlockedBy(first)
    await first.commit()

    // Approvers of blue could see it; a developer of blue does not know that it exists.
    expect(await late).toEqual({ ok: false, problem: { code: 'not-found' } })
  })
})
