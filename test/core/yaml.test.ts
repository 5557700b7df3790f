import fc from 'fast-check'
import { load, YAML11_SCHEMA } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Json } from '../../src/core/json.ts'
import { emitYaml, parseYamlDocuments } from '../../src/core/yaml.ts'

const tricky = [
  'yes',
  'Yes',
  'on',
  'OFF',
  'y',
  'N',
  'true',
  'null',
  'Null',
  '~',
  '12:30:45',
  '190:20:30',
  '0o14',
  '0123',
  '08',
  '0x1F',
  '0b11',
  '+1',
  '1.',
  '.5',
  '.',
  '-',
  '1_000',
  '_1',
  '0_1',
  '_',
  '1e3',
  '1e',
  'e0',
  'E-5',
  '-0',
  '2026-01-31',
  '2001-12-14t21:59:43.10-05:00',
  '.inf',
  '.NaN',
  '=',
  '<<',
  '',
  '- a',
  'a: b',
  'a:',
  ':',
  '#x',
  'a #b',
  ' a',
  'a ',
  '---',
  '--- a',
  '...',
  '... - a',
  '%x',
  '@x',
  '`x',
  '!x',
  '&a',
  '*a',
  '?',
  '? a',
  '|',
  '>',
  '{a}',
  '[',
  ']',
  ',',
  'a\nb',
  'a\nb\n',
  '\n',
  'a\n\nb',
  'a\n\n',
  'a\r\nb',
  '\t',
  'a\n\tb',
  '\u0085',
  '\u2028',
  '\ufeff',
  '\x7f',
  '\x1b',
  '  a\nb',
  'a\n  b\n',
  '#a\nb',
  '---\na',
  'é',
  '😀',
  '😀\n😀',
  '"',
  "'",
  '\\',
  '__proto__',
  'constructor',
]
/** A reader looks ahead 1,024 characters for the colon of a key. */
const long = ['a'.repeat(2_000), `${'a '.repeat(600)}b`]

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(...tricky, ...long),
  fc.array(fc.constantFrom(...tricky, ' ', '\n', ':', '#', '-', '.', 'e', '0', '1'), { maxLength: 5 }).map((parts) => parts.join('')),
)
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  fc.integer(),
  fc.maxSafeInteger(),
)
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
})).value

const readers: readonly (readonly [string, (text: string) => unknown])[] = [
  ['yaml, 1.2', (t) => parse(t)],
  ['yaml, 1.1', (t) => parse(t, { version: '1.1' })],
  ['js-yaml', (t) => load(t)],
  ['js-yaml, 1.1', (t) => load(t, { schema: YAML11_SCHEMA })],
]

describe('emitting', () => {
  it.each(readers)('any JSON value comes back as it was through %s', (_, read) => {
    fc.assert(
      fc.property(json, (value) => {
        // What JSON itself keeps: no -0, no undefined.
        const wanted = JSON.stringify(value)

        const back = read(emitYaml(value))

        expect(JSON.stringify(back)).toBe(wanted)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each(tricky)('%j stays a string, as value and as key, for every reader', (word) => {
    const emitted = emitYaml({ value: word, list: [word, [word]], key: { [word]: 1 } })

    for (const [, read] of readers) {
      const back = read(emitted) as { value: unknown; list: unknown; key: object }
      expect(back.value).toBe(word)
      expect(back.list).toStrictEqual([word, [word]])
      expect(Object.keys(back.key)).toStrictEqual([word])
    }
  })

  it('keeps the order of keys and repeats itself byte by byte', () => {
    const value = { b: 1, a: { z: [], w: {} }, '10': null }

    const emitted = emitYaml(value)

    expect(emitYaml(value)).toBe(emitted)
    expect(emitted).toBe('"10": null\nb: 1\na:\n  z: []\n  w: {}\n')
  })

  it('writes no anchors where an object occurs twice', () => {
    const shared = { a: 1 }

    expect(emitYaml({ x: shared, w: shared })).toBe('x:\n  a: 1\nw:\n  a: 1\n')
  })

  it('writes what people expect to read', () => {
    const emitted = emitYaml({
      image: 'ghcr.io/shop/orders:1.2',
      url: 'https://example.com/a?b=c',
      version: '1.2.0',
      ports: [{ port: 80, name: 'http' }, { port: 443 }],
      script: '#!/bin/sh\nset -e\n\nexec "$@"\n',
      matrix: [[1, 2], [3]],
      note: 'It holds; nothing folds.',
    })

    expect(emitted).toBe(
      [
        'image: ghcr.io/shop/orders:1.2',
        'url: "https://example.com/a?b=c"',
        'version: "1.2.0"',
        'ports:',
        '- port: 80',
        '  name: http',
        '- port: 443',
        'script: |',
        '  #!/bin/sh',
        '  set -e',
        '',
        '  exec "$@"',
        'matrix:',
        '- - 1',
        '  - 2',
        '- - 3',
        'note: It holds; nothing folds.',
        '',
      ].join('\n'),
    )
  })
})

describe('parsing', () => {
  it('reads the documents of a stream and leaves empty ones out', () => {
    const parsed = parseYamlDocuments('---\nkind: Team\n---\n# nothing\n---\n{"kind": "Budget"}\n---\n')

    expect(parsed).toStrictEqual({ ok: true, value: [{ kind: 'Team' }, { kind: 'Budget' }] })
  })

  it('is YAML 1.2: on, 0123 and dates are what they look like', () => {
    const parsed = parseYamlDocuments('a: on\nb: 2026-01-31\nc: 12:30:45\n1: x\n<<: {d: 1}\n')

    expect(parsed).toStrictEqual({ ok: true, value: [{ '1': 'x', a: 'on', b: '2026-01-31', c: '12:30:45', '<<': { d: 1 } }] })
  })

  it('names line and column of what is wrong, with a frame', () => {
    const parsed = parseYamlDocuments('kind: Team\nspec:\n  a: 1\n  a: 2\n')

    expect(parsed).toStrictEqual({
      ok: false,
      problem: [{ pointer: '', detail: 'line 4, column 3: Map keys must be unique', frame: '  a: 2\n  ^' }],
    })
  })

  it.each([
    [
      'a bomb of aliases',
      `a: &a [x, x]\n${Array.from({ length: 20 }, (_, i) => `b${i}: &b${i} [*${i === 0 ? 'a' : `b${i - 1}`}, *${i === 0 ? 'a' : `b${i - 1}`}]`).join('\n')}`,
    ],
    ['a mountain of brackets', '['.repeat(100_000)],
    ['deep, closed brackets', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['an unknown alias', 'a: *b'],
    ['an unknown tag', 'a: !!js/function x'],
    ['infinity', 'a: .inf'],
    ['a list as key', '? [a]\n: b'],
    ['more than 1 MiB', 'a'.repeat(1024 * 1024 + 1)],
    ['more than 1,000 documents', '--- a\n'.repeat(1_001)],
    // Each of these kept the parser, and with it everybody, busy for seconds to minutes.
    ['a megabyte of list items', '- a\n'.repeat(250_000)],
    ['a megabyte of keys', Array.from({ length: 90_000 }, (_, i) => `k${i}: 1\n`).join('')],
    ['a megabyte of mistakes', '- ]\n'.repeat(250_000)],
    ['thousands of aliases', Array.from({ length: 15_000 }, (_, i) => `- &a${i} x\n- *a${i}\n`).join('')],
  ])('refuses %s', (_, source) => {
    expect(parseYamlDocuments(source).ok).toBe(false)
  })

  it('reads a map of many keys in one pass, and finds the one that is there twice', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `k${i}: ${i}\n`).join('')

    const parsed = parseYamlDocuments(keys)
    const repeated = parseYamlDocuments(`${keys}k7: again\n`)

    expect(parsed.ok && Object.keys(parsed.value[0] as object).length).toBe(20_000)
    expect(repeated).toMatchObject({ ok: false, problem: [{ detail: 'line 20001, column 1: Map keys must be unique' }] })
  })

  it('finds keys that are there twice in maps of every form, quoted or not', () => {
    const parsed = parseYamlDocuments('a: {b: 1, "b": 2}\nl: [{c: 1, c: 2}]\n---\n1: x\n"1": y\n')

    expect(parsed.ok ? [] : parsed.problem.map((error) => error.detail)).toStrictEqual([
      'line 1, column 11: Map keys must be unique',
      'line 2, column 12: Map keys must be unique',
      'line 5, column 1: Map keys must be unique',
    ])
  })

  it('makes an own property of __proto__', () => {
    const parsed = parseYamlDocuments('__proto__: {a: 1}')

    expect(parsed.ok && Object.keys(parsed.value[0] as object)).toStrictEqual(['__proto__'])
  })
})
