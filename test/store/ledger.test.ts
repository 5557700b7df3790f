import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { claim, commitAll, commitClaimed } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, openHouseOn, outcomeOf, remove, update } from '../support/house.ts'
import { openPurse, openPurseOn } from '../support/purse.ts'
import { approve, cancel, deliver, dropBudget, purseHouse, putBudget, reject, submit } from '../support/purse-commands.ts'
import { newModel, type Environment, type ModelBudget } from '../support/purse-model.ts'

const environments = fc.constantFrom<Environment>('lab', 'vault')
const picks = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('b1', 'b2', 'b3', 'c1', 'c2'),
    units: fc.oneof({ weight: 9, arbitrary: fc.nat(40) }, fc.constant(13)),
    remove: fc.boolean(),
  }),
  { minLength: 1, maxLength: 3, selector: (pick) => pick.name },
)
const budgetNames = fc.constantFrom('one', 'two', 'three', 'four')
const budgets: fc.Arbitrary<ModelBudget> = fc
  .record({
    team: fc.constantFrom('red', 'red', 'blue', null),
    environment: fc.constantFrom<Environment | null>('lab', 'vault', null, null),
    measure: fc.constantFrom('cost' as const, 'cost' as const, 'count' as const),
    blueprints: fc.constantFrom(null, null, ['box'], ['b*', 'none'], ['c*'], ['*']),
    limit: fc.nat(150),
  })
  .map((b) => ({ ...b, limit: b.measure === 'cost' ? b.limit * 100 : b.limit % 7 }))

const commands = fc.commands(
  [
    fc.tuple(environments, picks).map(([environment, p]) => submit(environment, p)),
    fc.tuple(environments, picks).map(([environment, p]) => submit(environment, p)),
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 3 })).map(([count, dice]) => deliver(count, dice === 0)),
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 3 })).map(([count, dice]) => deliver(count, dice === 0)),
    fc.nat(5).map(approve),
    fc.nat(5).map(reject),
    fc.nat(5).map(cancel),
    fc.tuple(budgetNames, budgets).map(([name, b]) => putBudget(name, b)),
    budgetNames.map(dropBudget),
  ],
  { maxCommands: 40, size: 'max' },
)

describe('the purse', () => {
  test('a team never spends past its limit, whatever the order, and ledger, counters and what lives always agree', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (run) => {
        const { drop, ...urls } = await createDatabase()
        const house = await openHouseOn(urls)
        const purse = openPurseOn(urls.ownerUrl)
        try {
          await house.apply(purseHouse)
          await fc.asyncModelRun(() => ({ model: newModel(), real: { house, purse, used: new Map() } }), run)
        } finally {
          await purse.close()
          await house.close()
          await drop()
        }
      }),
      { numRuns: 15, interruptAfterTimeLimit: 15_000 },
    )
  }, 60_000)
})

describe('the ledger', async () => {
  const house = await openHouse()
  const purse = openPurse(house.urls.ownerUrl)
  await house.apply(boxes)
  const ann = await house.person('ann@example.com')
  const { pool } = house.context.database
  const ledgerOf = (name: string) =>
    purse.query(
      'select e.kind, e.amount::int from budget_entry e join budget b on b.id = e.budget_id where b.name = $1 and b.retired_at is null and e.amount <> 0 order by e.id',
      [name],
    )

  test('a decrease frees its money at the commit, never earlier', async () => {
    await house.apply(budget('shrink', "{ scope: { team: red }, limit: '100.00' }"))
    idOf(await ask(house, ann, [create('a', 90)]))
    await commitAll(pool)
    idOf(await ask(house, ann, [update('a', 20)]))

    expect(outcomeOf(await ask(house, ann, [create('b', 30)]))).toBe('budget-exceeded')
    const claimed = await claim(pool)
    expect(outcomeOf(await ask(house, ann, [create('b', 30)]))).toBe('budget-exceeded')
    await commitClaimed(
      pool,
      claimed.map((request) => request.id),
    )
    expect(outcomeOf(await ask(house, ann, [create('b', 30)]))).toBe('queued')
    await commitAll(pool)
    idOf(await ask(house, ann, [remove('a'), remove('b')]))
    expect(await purse.counters('shrink')).toBe('5000+0/10000')
    await commitAll(pool)

    expect(await purse.counters('shrink')).toBe('0+0/10000')
    expect(await ledgerOf('shrink')).toEqual([
      { kind: 'reserve', amount: 9000 },
      { kind: 'capture', amount: 9000 },
      { kind: 'capture', amount: -7000 },
      { kind: 'reserve', amount: 3000 },
      { kind: 'capture', amount: 3000 },
      { kind: 'capture', amount: -5000 },
    ])
  })

  test('the changes of one request are netted for each budget, since they land in one commit', async () => {
    idOf(await ask(house, ann, [create('c', 100)]))
    await commitAll(pool)

    expect(outcomeOf(await ask(house, ann, [remove('c'), create('d', 100)]))).toBe('queued')
    expect(await purse.counters('shrink')).toBe('10000+0/10000')
    await commitAll(pool)
    expect(await purse.counters('shrink')).toBe('10000+0/10000')
  })

  test('of several budgets over one change, one that is short refuses it and none keeps a reservation', async () => {
    const names = ['wide', 'narrow', 'few', 'organisation']
    await house.apply(
      [
        budget('wide', "{ scope: { environment: vault }, limit: '1000.00' }"),
        budget('narrow', "{ scope: { team: red, environment: vault }, limit: '10.00' }"),
        budget('few', '{ scope: { environment: vault }, measure: count, limit: 1 }'),
        budget('organisation', "{ limit: '500.00' }"),
        budget('shrink', "{ scope: { team: red }, limit: '1000.00' }"),
      ].join('\n---\n'),
    )
    const before = await Promise.all(names.map(ledgerOf))

    const refused = await ask(house, ann, [create('e', 9), create('f', 5)], { environment: 'vault' })

    expect(refused.answer).toMatchObject({
      ok: false,
      problem: {
        code: 'budget-exceeded',
        budgets: [
          { name: 'narrow', requested: 1400n, shortfall: 400n },
          { name: 'few', requested: 2n, shortfall: 1n },
        ],
      },
    })
    expect(await Promise.all(names.map(ledgerOf))).toEqual(before)
    expect(outcomeOf(await ask(house, ann, [create('e', 9)], { environment: 'vault' }))).toBe('queued')
    expect(await purse.discrepancies()).toEqual([])
  })

  test('a budget created or re-scoped over live resources opens with their sum, above its limit if need be', async () => {
    await commitAll(pool)
    await house.apply(budget('late', "{ scope: { team: red, environment: lab }, limit: '1.00' }"))
    expect(await ledgerOf('late')).toEqual([{ kind: 'opening', amount: 10_000 }])
    expect(outcomeOf(await ask(house, ann, [create('g', 1)]))).toBe('budget-exceeded')

    await house.apply(budget('late', "{ scope: { team: red, environment: vault }, limit: '1.00' }"))

    expect(await ledgerOf('late')).toEqual([{ kind: 'opening', amount: 900 }])
    expect(await purse.discrepancies()).toEqual([])
  })

  test('a limit lowered below usage lets usage only fall', async () => {
    await house.apply(budget('shrink', "{ scope: { team: red }, limit: '50.00' }"))

    expect(outcomeOf(await ask(house, ann, [update('d', 101)]))).toBe('budget-exceeded')
    expect(outcomeOf(await ask(house, ann, [update('d', 60)]))).toBe('queued')
    await commitAll(pool)
    expect(await purse.counters('shrink')).toBe('6900+0/5000')
  })

  test('two hundred submits at once in four processes: exactly as many are accepted as fit', async () => {
    await house.apply(
      [
        budget('rush', "{ scope: { environment: lab }, match: { blueprints: [box] }, limit: '2060.00' }"),
        budget('late', "{ scope: { team: red, environment: vault }, limit: '10000.00' }"),
        budget('shrink', "{ scope: { team: red }, limit: '10000.00' }"),
        budget('organisation', "{ limit: '10000.00' }"),
      ].join('\n---\n'),
    )
    expect(await purse.counters('rush')).toBe('6000+0/206000')
    const processes = Array.from({ length: 4 }, () => ({ context: house.another() }))

    const submitted = await Promise.all(
      Array.from({ length: 200 }, (_, i) => ask(processes[i % 4] ?? house, ann, [create(`rush-${i}`, 15)])),
    )

    const outcomes = submitted.map(outcomeOf)
    expect(outcomes.filter((outcome) => outcome === 'queued')).toHaveLength(133)
    expect(outcomes.filter((outcome) => outcome === 'budget-exceeded')).toHaveLength(67)
    expect(await purse.counters('rush')).toBe('6000+199500/206000')
    expect(await purse.discrepancies()).toEqual([])
  })
})
