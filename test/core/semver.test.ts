import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../src/core/duration.ts'
import { compareSemver, parseSemver } from '../../src/core/semver.ts'

function compare(a: string, b: string): number {
  const [x, y] = [parseSemver(a), parseSemver(b)]
  if (x === null || y === null) throw new Error(`${a} or ${b} is no version`)
  return Math.sign(compareSemver(x, y))
}

describe('versions', () => {
  it('are in the order that semver.org gives', () => {
    const order = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.9.0',
      '1.10.0',
      '2.0.0',
    ]

    for (const [i, a] of order.entries()) for (const [j, b] of order.entries()) expect(compare(a, b), `${a} ${b}`).toBe(Math.sign(i - j))
  })

  it.each([
    '',
    '1',
    '1.2',
    'v1.2.3',
    '1.2.3.4',
    '01.2.3',
    '1.2.3-',
    '1.2.3-01',
    '1.2.3-a..b',
    '1.2.3+build',
    ' 1.2.3',
    '1.2.3\n',
    '1.2.-3',
    '9999999999.0.0',
    `1.0.0-${'a'.repeat(64)}`,
  ])('are not %j', (text) => {
    expect(parseSemver(text)).toBeNull()
  })

  it('have one order, whichever are compared', () => {
    const part = fc.constantFrom('0', '1', '10', 'a', 'b1', '-')
    const version = fc
      .tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.array(part, { maxLength: 3 }))
      .map(([a, b, c, pre]) => `${a}.${b}.${c}${pre.length > 0 ? `-${pre.join('.')}` : ''}`)

    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compare(a, b)).toBe(compare(b, a) === 0 ? 0 : -compare(b, a))
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0)
        expect(compare(a, b) === 0).toBe(a === b)
      }),
    )
  })
})

describe('time to live', () => {
  const hour = 3_600_000

  it.each([
    ['P2W', 14 * 24],
    ['P14D', 14 * 24],
    ['PT12H', 12],
    ['P1DT6H', 30],
    ['P1W1DT1H', 193],
    ['P3650D', 87_600],
  ])('%s is so many hours', (text, hours) => {
    expect(parseDuration(text)).toBe(hours * hour)
  })

  it.each(['', 'P', 'PT', 'P0D', 'PT0H', 'P1Y', 'P1M', 'PT5M', 'P1.5D', 'p1d', '-P1D', 'P1D ', 'P3651D', 'PT87601H', 'P99999999D', 'P1DT'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeNull()
    },
  )
})
