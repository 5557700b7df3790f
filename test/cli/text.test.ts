import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hang, painter, table, visible, wrap } from '../../src/cli/text.ts'

const plain = { paint: painter(false), width: 80 }

it('no text from outside can move the cursor, change colours or reorder what is read', () => {
  const hostile = { reason: 'fine\x1b[2K\x1b[1A\rharmless\u202etxt\u0007\u009b31m\u200b', list: ['\x00', { '\x1bkey': '\u2066' }] }

  const shown = JSON.stringify(visible(hostile))

  expect(shown).toBe(
    JSON.stringify({
      reason: 'fine\\u{1b}[2K\\u{1b}[1A\\u{d}harmless\\u{202e}txt\\u{7}\\u{9b}31m\\u{200b}',
      list: ['\\u{0}', { '\\u{1b}key': '\\u{2066}' }],
    }),
  )
})

it('whatever the text, no control character but tab and newline is left', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visible(text)).not.toMatch(/(?![\t\n])[\p{Cc}\p{Cf}]/u)
    }),
  )
})

it('a newline in a value cannot pass for a line of ours', () => {
  expect(hang('Reason   ', 'x\nPlan     sha256:forged', plain)).toBe('Reason   x\n         Plan     sha256:forged')
})

it('wrapping loses no word and breaks none', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,30}$/)), fc.integer({ min: 5, max: 90 }), (words, width) => {
      const lines = wrap(words.join(' '), width)

      expect(lines.join(' ')).toBe(words.join(' '))
      for (const line of lines) expect(line.length <= width || !line.includes(' ')).toBe(true)
    }),
  )
})

it('a table never is wider than the terminal, as long as its first column fits', () => {
  const cell = fc.stringMatching(/^[a-z]{0,40}$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 }), fc.integer({ min: 40, max: 120 }), (rows, width) => {
      const column = (i: 0 | 1 | 2, least: number) => ({ title: `T${i}`, least, cells: rows.map((row) => row[i]) })

      const lines = table([column(0, 40), column(1, 8), column(2, 8)], { ...plain, width }).split('\n')

      expect(lines).toHaveLength(rows.length + 1)
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
    }),
  )
})
