import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base, boxSpec, createBox, makeDocument, makePlatform, planned, refusal } from './platforms.ts'

describe('a price', () => {
  const priced = (monthly: string) =>
    makePlatform([...base.filter((d) => d.kind !== 'Blueprint'), makeDocument('Blueprint', 'box', { ...boxSpec, price: { monthly } })])
  const price = (monthly: string, units: number) => planned(priced(monthly), createBox({ units })).changes[0]?.cost.after

  it('is exact to the cent, half a cent up', () => {
    expect(price('1.005', 1)).toBe(101n)
    expect(price('0.1 + 0.2', 1)).toBe(30n)
    expect(price('2.675 * double(parameters.units)', 1)).toBe(268n)
    expect(price('0.0049', 1)).toBe(0n)
    expect(price('parameters.units * 3', 7)).toBe(2100n)
  })

  it('of a unit price grows with the units, by exactly that', () => {
    const platform = priced('0.07 * double(parameters.units)')
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), (n) => {
        const cost = (units: number) => planned(platform, createBox({ units })).changes[0]?.cost.after

        expect(cost(n)).toBe(BigInt(n) * 7n)
        expect((cost(n + 1) ?? 0n) - (cost(n) ?? 0n)).toBe(7n)
      }),
    )
  })

  it('that there is not for some parameters is said at the parameters', () => {
    expect(refusal(priced('{1: 5.0}[parameters.units]'), createBox({ units: 2 }))).toMatchObject({
      code: 'invalid-parameters',
      errors: [{ pointer: '/changes/0/parameters', detail: expect.stringMatching(/^have no price with box 1\.0\.0: the price /) }],
    })
    expect(refusal(priced('10.0 - double(parameters.units)'), createBox({ units: 11 }))).toMatchObject({
      errors: [{ detail: 'have no price with box 1.0.0: the price would be -1, which is no amount of money' }],
    })
    expect(refusal(priced('1.0 / (double(parameters.units) - 1.0)'), createBox({ units: 1 }))).toMatchObject({
      errors: [{ detail: expect.stringContaining('the price would be Infinity') }],
    })
  })

  it('is nothing where the blueprint is free', () => {
    const platform = makePlatform([
      ...base.filter((d) => d.kind !== 'Blueprint'),
      makeDocument('Blueprint', 'box', { ...boxSpec, price: 'free' }),
    ])

    expect(planned(platform, createBox({ units: 3 })).changes[0]?.cost).toEqual({ before: 0n, after: 0n })
  })
})
