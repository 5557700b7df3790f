import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** The laws that a later version proves. Take one out when it is proven; putting one in is a step back. */
const stillPending = ['L9', 'L10']

const laws = Array.from({ length: 14 }, (_, i) => `L${i + 1}`)
const [proven = '', pending = ''] = readFileSync('docs/laws.md', 'utf8').split('\n## Pending\n')

/** Law → the tests named below its heading, as `- file: name`. */
const sections = proven
  .split('\n## ')
  .slice(1)
  .map((section) => ({
    law: section.split(' ')[0] ?? '',
    tests: [...section.matchAll(/^- (test\/\S+): (.+)$/gm)].map(([, file = '', name = '']) => ({ file, name })),
  }))
const pendingLaws = [...pending.matchAll(/^- (L\d+): /gm)].map((match) => match[1] ?? '')

test('every law is written down once, in order', () => {
  expect(sections.map((s) => s.law)).toEqual(laws)
})

test('a law without a test is pending, and the list of those only gets shorter', () => {
  const without = sections.filter((s) => s.tests.length === 0).map((s) => s.law)

  expect(without.filter((law) => !pendingLaws.includes(law))).toEqual([])
  expect(pendingLaws.filter((law) => !stillPending.includes(law))).toEqual([])
})

describe.each(sections.filter((s) => s.tests.length > 0))('$law', ({ tests }) => {
  test.each(tests)('is proven by $file: $name', ({ file, name }) => {
    const source = readFileSync(file, 'utf8').replaceAll("\\'", "'").replaceAll('\\`', '`')

    expect(["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote}`))).toBe(true)
  })
})
