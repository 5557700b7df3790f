import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairs } from '../../src/cli/render-plan.ts'
import { parseChange, parsePairs, parseScalar } from '../../src/cli/short-form.ts'
import type { JsonObject } from '../../src/core/json.ts'

describe('a change in words', () => {
  it.each([
    {
      words: 'create postgres@1.2.0 orders-db size=m storageGB=600',
      options: { ttl: 'P14D' },
      change: { action: 'create', blueprint: 'postgres@1.2.0', name: 'orders-db', parameters: { size: 'm', storageGB: 600 }, ttl: 'P14D' },
    },
    {
      words: 'update orders-db storage.size=10 comment=',
      options: { blueprint: 'postgres@1.3.0', overwrite: true },
      change: {
        action: 'update',
        name: 'orders-db',
        parameters: { storage: { size: 10 }, comment: null },
        blueprint: 'postgres@1.3.0',
        overwrite: true,
      },
    },
    { words: 'delete orders-db', options: {}, change: { action: 'delete', name: 'orders-db' } },
  ])('$words', ({ words, options, change }) => {
    expect(parseChange(words.split(' '), options)).toEqual({ ok: true, value: change })
  })

  it.each([
    { words: '', options: {}, reason: 'nothing said' },
    { words: 'destroy orders-db', options: {}, reason: 'no such action' },
    { words: 'create postgres', options: {}, reason: 'no name' },
    { words: 'create postgres size=m', options: {}, reason: 'a parameter where the name belongs' },
    { words: 'create postgres orders-db size', options: {}, reason: 'no value' },
    { words: 'create postgres orders-db size=', options: {}, reason: 'nothing to remove on create' },
    { words: 'create postgres orders-db =m', options: {}, reason: 'no key' },
    { words: 'create postgres orders-db a=1 a=2', options: {}, reason: 'twice' },
    { words: 'create postgres orders-db a=1 a.b=2', options: {}, reason: 'value and group' },
    { words: 'create postgres orders-db a.b=2 a=1', options: {}, reason: 'group and value' },
    { words: 'create postgres orders-db a..b=2', options: {}, reason: 'an empty name' },
    { words: 'create postgres orders-db', options: { overwrite: true }, reason: 'nothing to overwrite on create' },
    { words: 'update orders-db', options: { ttl: 'P1D' }, reason: 'ttl is for create' },
    { words: 'delete orders-db a=1', options: {}, reason: 'a delete has no parameters' },
  ])('is refused in one sentence: $reason', ({ words, options }) => {
    const parsed = parseChange(words.split(' ').filter(Boolean), options)

    expect(parsed).toEqual({ ok: false, problem: expect.stringMatching(/^\S.*[^.]$/) })
  })
})

describe('a value', () => {
  it.each([
    ['600', 600],
    ['-5', -5],
    ['+7', 7],
    ['0', 0],
    ['-0', 0],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['1e3', 1000],
    ['true', true],
    ['False', false],
    ['null', null],
    ['~', null],
    ['m', 'm'],
    ['yes', 'yes'],
    ['1.2.0', '1.2.0'],
    ['12px', '12px'],
    ['0x1F', '0x1F'],
    ['"1.10"', '1.10'],
    ['""', ''],
    ['["a",1]', ['a', 1]],
    ['{"a":{"b":null}}', { a: { b: null } }],
    ['a: b', 'a: b'],
    ['a#b', 'a#b'],
    ['=', '='],
  ] as const)('%s', (text, value) => {
    expect(parseScalar(text)).toEqual({ ok: true, value })
  })

  it.each(['[a]', '{a: b}', '"open', '12345678901234567890', '1e999'])('that would be a guess is refused: %s', (text) => {
    expect(parseScalar(text).ok).toBe(false)
  })
})

it('what is shown of parameters is what one would type to ask for them', () => {
  const name = fc.stringMatching(/^[A-Za-z_.-]{1,8}$/)
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('true', '1.10', '~', '[', '', '600'),
    fc.array(fc.integer()),
  )
  const parameters = fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf)))
  fc.assert(
    fc.property(parameters, (given) => {
      const asked = given as JsonObject // Made of JSON only.
      expect(parsePairs(pairs(asked), 'refuse-removal')).toEqual({ ok: true, value: JSON.parse(JSON.stringify(asked)) })
    }),
  )
})

it('a parameter named __proto__ is a parameter like any other', () => {
  const parsed = parsePairs(['__proto__.admin=true'], 'refuse-removal')

  expect(parsed.ok && Object.keys(parsed.value)).toEqual(['__proto__'])
  expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false)
})
