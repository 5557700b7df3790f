import fc from 'fast-check'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { compileParameters, compileShape, findIllFormedText, type ParameterSchema } from '../../src/core/schema.ts'

const open = { additionalProperties: false }
const shape = compileShape(
  Type.Object(
    {
      team: Type.String({ minLength: 1, maxLength: 10, pattern: '^[a-z]+$' }),
      size: Type.Optional(Type.Union([Type.Literal('s'), Type.Literal('m'), Type.Literal('l')])),
      count: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
      either: Type.Optional(Type.Union([Type.String(), Type.Number()])),
      tags: Type.Optional(Type.Array(Type.String(), { maxItems: 2, uniqueItems: true })),
      changes: Type.Optional(
        Type.Array(
          Type.Union([
            Type.Object({ action: Type.Literal('create'), name: Type.String(), blueprint: Type.String() }, open),
            Type.Object({ action: Type.Literal('delete'), name: Type.String(), overwrite: Type.Optional(Type.Boolean()) }, open),
          ]),
        ),
      ),
    },
    open,
  ),
)

/** `pointer: detail` of everything wrong with a value. */
function complaints(value: unknown, pointer = ''): readonly string[] {
  const parsed = shape.parse(value, pointer)
  return parsed.ok ? [] : parsed.problem.map((error) => `${error.pointer}: ${error.detail}`)
}

describe('a shape', () => {
  it.each<readonly [string, unknown, readonly string[]]>([
    ['a right one', { team: 'shop', size: 'm', count: 1, either: 1, tags: ['a'], changes: [{ action: 'delete', name: 'x' }] }, []],
    ['a missing member', {}, ['/team: is required']],
    ['an unknown member', { team: 'shop', a: 1 }, ['/a: is not a known field']],
    ['a misspelt member', { team: 'shop', cuont: 1 }, ['/cuont: is not a known field; did you mean count?']],
    ['an odd name', { team: 'shop', 'a/~b': 1 }, ['/a~1~0b: is not a known field']],
    ['__proto__', JSON.parse('{"team": "shop", "__proto__": {}}'), ['/__proto__: is not a known field']],
    ['another type', { team: 1 }, ['/team: must be a string']],
    ['no coercion', { team: 'shop', count: '1' }, ['/count: must be a whole number']],
    ['not an object', [], [': must be an object']],
    ['an empty string', { team: '' }, ['/team: must not be empty', '/team: must match ^[a-z]+$']],
    ['a choice', { team: 'shop', size: 'xl' }, ['/size: must be one of s, m, l']],
    ['two types', { team: 'shop', either: true }, ['/either: must be a string or a number']],
    ['a fraction', { team: 'shop', count: 1.5 }, ['/count: must be a whole number']],
    ['too little', { team: 'shop', count: 0 }, ['/count: must be at least 1']],
    ['too many', { team: 'shop', tags: ['a', 'b', 'c'] }, ['/tags: must have at most 2 items']],
    ['twice', { team: 'shop', tags: ['a', 'a'] }, ['/tags: has the same item twice (0 and 1)']],
    [
      'an unknown alternative',
      { team: 'shop', changes: [{ action: 'destroy', name: 'x' }] },
      ['/changes/0/action: must be one of create, delete'],
    ],
    ['no alternative', { team: 'shop', changes: [{ name: 'x' }] }, ['/changes/0/action: is required']],
    [
      'a wrong alternative',
      { team: 'shop', changes: [{ action: 'delete', name: 5, blueprint: 'x' }] },
      ['/changes/0/blueprint: is not a known field', '/changes/0/name: must be a string'],
    ],
    ['all at once', { size: 1, count: 9 }, ['/team: is required', '/size: must be one of s, m, l', '/count: must be at most 5']],
  ])('says what is wrong: %s', (_, value, wanted) => {
    expect([...complaints(value)].sort()).toStrictEqual([...wanted].sort())
  })

  it('begins every pointer with the given one', () => {
    expect(complaints({ team: 'shop', changes: [{ action: 'create', name: 'x' }] }, '/spec')).toStrictEqual([
      '/spec/changes/0/blueprint: is required',
    ])
  })

  it('changes nothing that it is given', () => {
    const value = Object.freeze({ team: 'shop' })

    const parsed = shape.parse(value)

    expect(parsed.ok && parsed.value).toBe(value)
  })

  it('names at most 50 errors of a small body, and one of a huge one', () => {
    const wrong = (count: number) => ({
      team: 'shop',
      changes: Array.from({ length: count }, () => ({ action: 'create', name: 1, blueprint: 'x' })),
    })

    expect(complaints(wrong(1_000))).toHaveLength(50)
    expect(complaints(wrong(100_000))).toStrictEqual(['/changes/0/name: must be a string'])
  })
})

describe('text that is none', () => {
  it('is found in values and names, at any depth', () => {
    const value = { a: 'x\0', b: [{ 'c\ud800': '\udc00' }], fine: '😀' }

    const pointers = findIllFormedText(value, '/p').map((error) => error.pointer)

    expect(pointers).toStrictEqual(['/p/a', '/p/b/0/c\ufffd', '/p/b/0/c\ufffd'])
  })

  it('is not seen in any text that UTF-8 can carry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const carried = Buffer.from(text).toString() === text && !text.includes('\0')

        expect(findIllFormedText({ text }).length === 0).toBe(carried)
      }),
    )
  })

  it('is looked for no deeper than 64 levels, which is refused', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown

    expect(findIllFormedText(deep).map((error) => error.detail)).toStrictEqual(['is nested more than 64 levels deep'])
  })
})

const postgres: JsonObject = {
  type: 'object',
  required: ['size'],
  properties: {
    size: { type: 'string', enum: ['s', 'm', 'l'], default: 's' },
    storageGB: { type: 'integer', minimum: 10, maximum: 1000, default: 10 },
    backup: {
      type: 'object',
      default: {},
      properties: { enabled: { type: 'boolean', default: true }, keep: { type: 'integer', default: 7 } },
    },
    rules: {
      type: 'array',
      items: { type: 'object', required: ['port'], properties: { port: { type: 'integer' }, open: { type: 'boolean', default: false } } },
    },
    labels: { type: 'object', additionalProperties: { $ref: '#/$defs/label' } },
    count: { type: 'integer' },
  },
  $defs: { label: { type: 'string', maxLength: 5 } },
}

function compiled(schema: JsonObject): ParameterSchema {
  const result = compileParameters(schema)
  if (!result.ok) throw new Error(JSON.stringify(result.problem))
  return result.value
}

describe('a parameter schema', () => {
  it('fills defaults in at every depth and leaves the argument alone', () => {
    const given = Object.freeze({ rules: Object.freeze([Object.freeze({ port: 1 })]), size: 'm' })

    const filled = compiled(postgres).withDefaults(given)

    expect(filled).toStrictEqual({ size: 'm', storageGB: 10, backup: { enabled: true, keep: 7 }, rules: [{ port: 1, open: false }] })
    expect(given).toStrictEqual({ rules: [{ port: 1 }], size: 'm' })
  })

  it('fills in nothing more the second time', () => {
    const value = fc.record(
      {
        size: fc.constantFrom('s', 'm'),
        backup: fc.record({ keep: fc.nat() }, { requiredKeys: [] }),
        rules: fc.array(fc.record({ port: fc.nat() })),
        labels: fc.dictionary(fc.string(), fc.string({ maxLength: 5 })),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(value, (given) => {
        const schema = compiled(postgres)

        const once = schema.withDefaults(given as JsonObject)

        expect(schema.withDefaults(once)).toStrictEqual(once)
        expect(schema.validate(once, '')).toStrictEqual([])
      }),
    )
  })

  it.each<readonly [string, JsonObject, readonly string[]]>([
    ['an unknown parameter', { size: 's', storagGB: 1 }, ['/p/storagGB: is not a known field; did you mean storageGB?']],
    [
      'an unknown one further in',
      { size: 's', rules: [{ port: 1, prot: 1 }] },
      ['/p/rules/0/prot: is not a known field; did you mean port?'],
    ],
    ['a free map', { size: 's', labels: { a: 'x' } }, []],
    ['a definition', { size: 's', labels: { a: 'toolong' } }, ['/p/labels/a: must have at most 5 characters']],
    ['too long a list', { size: 's', rules: Array.from({ length: 101 }, () => ({ port: 1 })) }, ['/p/rules: must have at most 100 items']],
    ['a whole number that JSON would round', { size: 's', count: 2 ** 53 }, [`/p/count: must be at most ${2 ** 53 - 1}`]],
    ['no whole number', { size: 's', storageGB: 10.5 }, ['/p/storageGB: must be a whole number']],
  ])('judges %s', (_, value, wanted) => {
    expect(
      compiled(postgres)
        .validate(value, '/p')
        .map((error) => `${error.pointer}: ${error.detail}`),
    ).toStrictEqual(wanted)
  })

  it.each<readonly [string, JsonObject, readonly string[]]>([
    ['what is no object', { type: 'string' }, ['/type: must be object']],
    [
      'an unknown keyword',
      { type: 'object', properties: { a: { type: 'string', minlength: 1 } } },
      ['/properties/a/minlength: is not a keyword for parameters; did you mean minLength?'],
    ],
    [
      'a format',
      { type: 'object', properties: { a: { type: 'string', format: 'uri' } } },
      ['/properties/a/format: is not checked by Purser; write a pattern instead'],
    ],
    [
      'an unknown type',
      { type: 'object', properties: { a: { type: 'strin' } } },
      ['/properties/a/type: must be one of array, boolean, integer, null, number, object, string'],
    ],
    [
      'a keyword without its type',
      { type: 'object', properties: { a: { minLength: 1 } } },
      ['/properties/a: missing type "string" for keyword "minLength"'],
    ],
    [
      'a default that does not fit',
      { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
      ['/properties/a/default: must be a whole number'],
    ],
    [
      'a default that lacks a member',
      { type: 'object', properties: { a: { type: 'object', default: {}, required: ['b'], properties: { b: { type: 'string' } } } } },
      ['/properties/a/default/b: is required'],
    ],
    [
      'a default that is never filled in',
      { type: 'object', properties: { a: { anyOf: [{ type: 'string', default: 'x' }, { type: 'integer' }] } } },
      ['/properties/a/anyOf/0/default: is never filled in here: a default belongs to a property, not to an alternative or a condition'],
    ],
    [
      'a required one that is no property',
      { type: 'object', required: ['b'], properties: { a: { type: 'string' } } },
      ['/required: names b, which is no property (item 0)'],
    ],
    [
      'a pattern with look-ahead',
      { type: 'object', properties: { a: { type: 'string', pattern: '^(?!x)' } } },
      ['/properties/a/pattern: is no RE2 pattern: invalid or unsupported Perl syntax: `(?!`'],
    ],
    [
      'a pattern without end',
      { type: 'object', properties: { a: { type: 'string', pattern: 'x'.repeat(1_001) } } },
      ['/properties/a/pattern: is longer than 1000 characters'],
    ],
    [
      'a remote reference',
      { type: 'object', properties: { a: { $ref: 'https://example.com/x.json' } } },
      ['/properties/a/$ref: must be #/$defs/<name> of this schema'],
    ],
    [
      'a circle',
      {
        type: 'object',
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } } } },
      },
      [
        '/properties/a/$ref: makes a circle: parameters have a bounded depth',
        '/$defs/a/properties/a/$ref: makes a circle: parameters have a bounded depth',
      ],
    ],
    [
      'lists without bound',
      { type: 'object', properties: { a: { type: 'array', items: { type: 'string' }, maxItems: 1_000_000 } } },
      ['/properties/a/maxItems: must be at most 1000'],
    ],
    [
      'another dialect',
      { type: 'object', $schema: 'http://json-schema.org/draft-07/schema#' },
      ['/$schema: must be https://json-schema.org/draft/2020-12/schema, or left out'],
    ],
    ['an enum that is no list', { type: 'object', properties: { a: { enum: 'x' } } }, ['/properties/a/enum: must be a list']],
    ['more than 64 KiB', { type: 'object', description: 'x'.repeat(70_000) }, [': is larger than 64 KiB']],
  ])('is refused with %s', (_, schema, wanted) => {
    const result = compileParameters(schema)

    expect(result.ok ? [] : result.problem.map((error) => `${error.pointer}: ${error.detail}`)).toStrictEqual(wanted)
  })

  it('does not double with definitions that use each other', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `d${i}`,
        i === 39
          ? { type: 'string' }
          : { type: 'object', properties: { a: { $ref: `#/$defs/d${i + 1}` }, b: { $ref: `#/$defs/d${i + 1}` } } },
      ]),
    )

    expect(compileParameters({ type: 'object', properties: { a: { $ref: '#/$defs/d0' } }, $defs }).ok).toBe(false)
  })

  it('is open where it says so', () => {
    const schema = compiled({ type: 'object', additionalProperties: true, properties: { a: { type: 'string' } } })

    expect(schema.validate({ a: 'x', b: 1 }, '')).toStrictEqual([])
  })

  it('without properties takes no parameters', () => {
    expect(
      compiled({ type: 'object' })
        .validate({ a: 1 }, '')
        .map((error) => error.pointer),
    ).toStrictEqual(['/a'])
  })

  it('checks patterns in linear time', () => {
    const schema = compiled({ type: 'object', properties: { a: { type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' } } })

    // A backtracking engine would not come back from this.
    expect(schema.validate({ a: 'a'.repeat(100_000) }, '')).toHaveLength(1)
  })
})
