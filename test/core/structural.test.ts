import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize, type Json, type JsonObject } from '../../src/core/json.ts'
import { parseIpv4, parseIpv6 } from '../../src/core/structural/ip-address.ts'
import { compileStructural, type Structural } from '../../src/core/structural/structural.ts'

function compiled(schema: JsonObject, isResource = false): Structural {
  const structural = compileStructural(schema, { isResource })
  if (!structural.ok) throw new Error(structural.problem.map((e) => `${e.pointer}: ${e.detail}`).join('; '))
  return structural.value
}

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more })

/** `pointer: detail` of everything that is wrong with a value after defaults. */
function complaints(schema: JsonObject, value: Json, old?: Json): readonly string[] {
  const structural = compiled(schema)
  const filled = structural.applyDefaults(value)
  return [...structural.unknownFields(filled), ...structural.validate(filled, old)].map((e) => `${e.pointer}: ${e.detail}`)
}

/** What a schema is refused for. */
function refusals(schema: JsonObject): readonly string[] {
  const structural = compileStructural(schema)
  return structural.ok ? [] : structural.problem.map((e) => `${e.pointer}: ${e.detail}`)
}

const ruled = (rule: string, schema: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...schema,
  'x-kubernetes-validations': [{ rule, message: 'no', ...more }],
})

describe('defaults', () => {
  const nested = object({ a: object({ b: { type: 'integer', default: 1 }, c: { type: 'string' } }) })
  const withObject = object({ a: { ...object({ b: { type: 'integer', default: 1 } }), default: {} } })

  it.each<readonly [string, JsonObject, Json, Json]>([
    ['go into objects that are there', nested, { a: {} }, { a: { b: 1 } }],
    ['make no object', nested, {}, {}],
    ['of an object come before those of its fields', withObject, {}, { a: { b: 1 } }],
    ['leave what was given', withObject, { a: { b: 2 } }, { a: { b: 2 } }],
    [
      'go into items',
      object({ l: { type: 'array', items: object({ b: { type: 'integer', default: 1 } }) } }),
      { l: [{}, { b: 3 }] },
      { l: [{ b: 1 }, { b: 3 }] },
    ],
    [
      'go into values of maps',
      object({ m: { type: 'object', additionalProperties: object({ b: { type: 'integer', default: 1 } }) } }),
      { m: { x: {} } },
      { m: { x: { b: 1 } } },
    ],
    ['are none where they are null', object({ a: { type: 'string', default: null } }), {}, {}],
    ['take the place of a null that is no value', object({ a: { type: 'string', default: 'x' } }), { a: null }, { a: 'x' }],
    ['let null be where it is a value', object({ a: { type: 'string', default: 'x', nullable: true } }), { a: null }, { a: null }],
    ['prune a null that is no value and has no default', object({ a: { type: 'string' } }), { a: null }, {}],
    ['keep nulls of what nobody has described', object({ a: { 'x-kubernetes-preserve-unknown-fields': true } }), { a: null }, { a: null }],
  ])('%s', (_, schema, value, expected) => {
    const before = canonicalize(value)

    expect(compiled(schema).applyDefaults(value)).toEqual(expected)
    expect(canonicalize(value)).toBe(before)
  })

  it('filled in twice are the same as once', () => {
    const structural = compiled(
      object({
        a: { ...object({ b: { type: 'integer', default: 1 }, n: { type: 'string', nullable: true, default: 'x' } }), default: {} },
        l: { type: 'array', items: object({ b: { type: 'integer', default: 2 } }), default: [{}] },
        m: { type: 'object', additionalProperties: object({ c: { type: 'boolean', default: true } }) },
      }),
    )
    const leaf = fc.oneof(fc.constant(null), fc.integer(), fc.constant('x'), fc.boolean())
    const inner = fc.dictionary(fc.constantFrom('b', 'n', 'c', 'z'), leaf, { maxKeys: 4 })
    const value = fc.record(
      {
        a: fc.oneof(inner, leaf),
        l: fc.oneof(fc.array(inner, { maxLength: 2 }), leaf),
        m: fc.dictionary(fc.constantFrom('x', 'y'), inner),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(value, (given) => {
        const once = structural.applyDefaults(given)
        expect(structural.applyDefaults(once)).toEqual(once)
      }),
    )
  })
})

describe('validation', () => {
  const either = { 'x-kubernetes-int-or-string': true }
  it.each<readonly [string, JsonObject, Json, readonly string[]]>([
    ['an unknown field', object({ region: { type: 'string' } }), { regoin: 'x' }, ['/regoin: is not a known field; did you mean region?']],
    ['a field of an object without any', object({ a: { type: 'object' } }), { a: { b: 1 } }, ['/a/b: is not a known field']],
    [
      'a field where unknown ones are kept',
      object({ a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }),
      { a: { b: 1 } },
      [],
    ],
    ['a missing field', object({ a: object({ b: { type: 'string' } }, { required: ['b'] }) }), { a: {} }, ['/a/b: is required']],
    ['a wrong type', object({ a: { type: 'integer' } }), { a: 1.5 }, ['/a: must be a whole number']],
    ['a number or a string', object({ a: either }), { a: 1.5 }, ['/a: must be a whole number or a string']],
    ['a port by number', object({ a: either }), { a: 80 }, []],
    ['a port by name', object({ a: either }), { a: 'http' }, []],
    ['null in a list', object({ a: { type: 'array', items: { type: 'string' } } }), { a: [null] }, ['/a/0: must be a string']],
    ['a pattern found anywhere', object({ a: { type: 'string', pattern: 'b+' } }), { a: 'abc' }, []],
    ['a pattern not found', object({ a: { type: 'string', pattern: '^b+$' } }), { a: 'abc' }, ['/a: must match ^b+$']],
    ['an exclusive bound', object({ a: { type: 'integer', minimum: 1, exclusiveMinimum: true } }), { a: 1 }, ['/a: must be more than 1']],
    ['a value that is none of the list', object({ a: { type: 'string', enum: ['s', 'm'] } }), { a: 'l' }, ['/a: must be one of s, m']],
    ['characters, not bytes', object({ a: { type: 'string', maxLength: 2 } }), { a: '😀😀' }, []],
    ['a date that is none', object({ a: { type: 'string', format: 'date' } }), { a: '2026-02-30' }, ['/a: must be a valid date']],
    ['a format that nobody knows', object({ a: { type: 'string', format: 'colour' } }), { a: 'x' }, []],
    [
      'a number too large for its format',
      object({ a: { type: 'integer', format: 'int32' } }),
      { a: 3_000_000_000 },
      ['/a: must be a valid int32'],
    ],
    [
      'the same item twice in a set',
      object({ a: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' } }),
      { a: ['x', 'y', 'x'] },
      ['/a/2: is item 0 already; no item may be there twice'],
    ],
    [
      'the same key twice in a list that is a map',
      object({
        a: {
          type: 'array',
          items: object({ name: { type: 'string' }, v: { type: 'integer' } }),
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
      }),
      {
        a: [
          { name: 'x', v: 1 },
          { name: 'x', v: 2 },
        ],
      },
      ['/a/1: has the name of item 0 already; no such key may be there twice'],
    ],
    [
      'none of the alternatives',
      object({ a: { type: 'string' }, b: { type: 'string' } }, { oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
      { a: 'x', b: 'x' },
      [': must fit exactly one of the alternatives'],
    ],
    ['what is excluded', object({ a: { type: 'string', not: { enum: ['root'] } } }), { a: 'root' }, ['/a: is excluded by the schema']],
  ])('sees %s', (_, schema, value, expected) => {
    expect(complaints(schema, value)).toEqual(expected)
  })

  it('knows what every object has', () => {
    const structural = compiled(object({ spec: object({}) }), true)
    const value = { apiVersion: 'v1', kind: 'K', metadata: { name: 'x', lables: {} }, spec: {} }

    expect(structural.validate({ spec: {} }).map((e) => e.pointer)).toEqual(['/apiVersion', '/kind'])
    expect(structural.unknownFields(value)).toEqual([{ pointer: '/metadata/lables', detail: 'is not a known field; did you mean labels?' }])
  })
})

describe('a schema', () => {
  it.each<readonly [string, JsonObject, readonly string[]]>([
    ['a field without a type', object({ a: {} }), ['/properties/a/type: is required: a structural schema says the type of every field']],
    ['a reference', object({ a: { type: 'string', $ref: '#/x' } }), ['/properties/a/$ref: is not allowed in a structural schema']],
    ['a list without items', object({ a: { type: 'array' } }), ['/properties/a/items: is required: one schema for all items']],
    ['a default that does not fit', object({ a: { type: 'integer', default: 'x' } }), ['/properties/a/default: must be a whole number']],
    [
      'a pattern that RE2 lacks',
      object({ a: { type: 'string', pattern: '(?=x)' } }),
      ['/properties/a/pattern: is no RE2 pattern: invalid or unsupported Perl syntax: `(?=`'],
    ],
    [
      'a rule over a field that is not there',
      ruled('self.regoin == "x"', object({ region: { type: 'string' } })),
      ['/x-kubernetes-validations/0/rule: cannot be evaluated: no such key: regoin'],
    ],
    [
      'a rule with a function that is missing',
      ruled('self.a.format([1]) == "1"', object({ a: { type: 'string' } })),
      ["/x-kubernetes-validations/0/rule: cannot be evaluated: found no matching overload for 'string.format(list<int>)'"],
    ],
    [
      'a rule that yields no verdict',
      ruled('self.a', object({ a: { type: 'string' } })),
      ['/x-kubernetes-validations/0/rule: yields string, but bool is needed'],
    ],
    [
      'a rule over the past of an item without a key',
      object({ a: { type: 'array', items: ruled('self == oldSelf', { type: 'string' }) } }),
      [
        '/properties/a/items/x-kubernetes-validations/0/rule: reads oldSelf of an item that has no key: only lists of x-kubernetes-list-type map have items with a before',
      ],
    ],
  ])('is refused for %s', (_, schema, expected) => {
    expect(refusals(schema)).toEqual(expected)
  })

  it('says which keywords mean nothing', () => {
    expect(compiled(object({ a: { type: 'string', name: 'a' } })).ignored).toEqual([
      { pointer: '/properties/a/name', detail: 'is no keyword, and means nothing' },
    ])
  })
})

describe('a rule', () => {
  const text = { type: 'string' }
  const texts = { type: 'array', items: text }
  it.each<readonly [string, JsonObject, Json, Json]>([
    ['has(self.a) || has(self.b)', object({ a: text, b: text }), { a: 'x' }, {}],
    ["self.a.matches('^[a-z]+$')", object({ a: text }), { a: 'x' }, { a: 'X' }],
    [
      'self.a.exists(k, self.a[k].on)',
      object({ a: { type: 'object', additionalProperties: object({ on: { type: 'boolean' } }) } }),
      { a: { x: { on: true } } },
      { a: { x: { on: false } } },
    ],
    ['self.a.all(x, self.b.exists(y, y == x))', object({ a: texts, b: texts }), { a: ['x'], b: ['x'] }, { a: ['x'], b: [] }],
    ['self.min <= self.max', object({ min: { type: 'integer' }, max: { type: 'integer' } }), { min: 1, max: 1 }, { min: 2, max: 1 }],
    ['self.n > 1.5', object({ n: { type: 'number' } }), { n: 2 }, { n: 1 }],
    [
      'has(self.__namespace__) && self.a__dot__b == "x"',
      object({ namespace: text, 'a.b': text }),
      { namespace: 'x', 'a.b': 'x' },
      { 'a.b': 'x' },
    ],
    ['!has(self.a)', object({ a: { ...text, nullable: true } }), { a: null }, { a: 'x' }],
    [
      "self.at < timestamp('2026-01-01T00:00:00Z')",
      object({ at: { ...text, format: 'date-time' } }),
      { at: '2025-01-01T00:00:00Z' },
      { at: '2027-01-01T00:00:00Z' },
    ],
    ["self.d <= duration('1h')", object({ d: { ...text, format: 'duration' } }), { d: '30m' }, { d: '1h1s' }],
    [
      "url(self.a).getHost() == 'example.com' && isURL(self.a)",
      object({ a: text }),
      { a: 'https://example.com/x' },
      { a: 'https://example.org/x' },
    ],
    ["cidr('10.0.0.0/8').containsIP(self.a)", object({ a: text }), { a: '10.1.2.3' }, { a: '11.1.2.3' }],
    ["cidr('fd00::/8').containsCIDR(self.a)", object({ a: text }), { a: 'fd00:1::/32' }, { a: 'fe00::/32' }],
    ["quantity(self.a).isGreaterThan(quantity('500Mi'))", object({ a: text }), { a: '0.5Gi' }, { a: '500M' }],
    ["quantity('500m').add(quantity(self.a)).compareTo(quantity('1')) == 0", object({ a: text }), { a: '0.5' }, { a: '1' }],
    ['self.a.isSorted() && self.a.indexOf("b") == 1', object({ a: texts }), { a: ['a', 'b'] }, { a: ['b', 'a'] }],
    ["self.a.findAll('[0-9]+').size() == 2 && self.a.replace('-', '') == '12'", object({ a: text }), { a: '1-2' }, { a: '1-' }],
    ["sets.contains(['a', 'b'], self.a)", object({ a: texts }), { a: ['a'] }, { a: ['c'] }],
    ['[has(self.a), has(self.b)].filter(x, x == true).size() == 1', object({ a: text, b: text }), { a: 'x' }, { a: 'x', b: 'x' }],
    ['type(self.a) == string || self.a > 2', object({ a: { 'x-kubernetes-int-or-string': true } }), { a: 'x' }, { a: 1 }],
  ])('%s', (rule, schema, good, bad) => {
    expect(complaints(ruled(rule, schema), good)).toEqual([])
    expect(complaints(ruled(rule, schema), bad)).toEqual([': no'])
  })

  it('over what was there is silent on create, and speaks on update', () => {
    const schema = object({ a: ruled('self >= oldSelf', { type: 'integer' }) })

    expect(complaints(schema, { a: 1 })).toEqual([])
    expect(complaints(schema, { a: 1 }, {})).toEqual([])
    expect(complaints(schema, { a: 2 }, { a: 1 })).toEqual([])
    expect(complaints(schema, { a: 1 }, { a: 2 })).toEqual(['/a: no'])
  })

  it('over what may have been there speaks on create too', () => {
    const schema = object({ a: ruled('oldSelf.hasValue() || self == "first"', text, { optionalOldSelf: true }) })

    expect(complaints(schema, { a: 'second' })).toEqual(['/a: no'])
    expect(complaints(schema, { a: 'second' }, { a: 'first' })).toEqual([])
  })

  it('finds what an item was by its key, wherever it stood', () => {
    const item = object({ name: text, size: ruled('self >= oldSelf', { type: 'integer' }) })
    const schema = object({ a: { type: 'array', items: item, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] } })
    const old = {
      a: [
        { name: 'x', size: 1 },
        { name: 'y', size: 5 },
      ],
    }

    expect(
      complaints(
        schema,
        {
          a: [
            { name: 'y', size: 4 },
            { name: 'x', size: 1 },
            { name: 'z', size: 0 },
          ],
        },
        old,
      ),
    ).toEqual(['/a/0/size: no'])
  })

  it('has the last word only over what has its shape', () => {
    expect(complaints(ruled('self.a > 1', object({ a: { type: 'integer' } })), { a: 'x' })).toEqual(['/a: must be a whole number'])
  })

  it('that cannot be evaluated is broken', () => {
    const [complaint] = complaints(ruled('self.m["x"] == "y"', object({ m: { type: 'object', additionalProperties: text } })), { m: {} })

    expect(complaint).toMatch(/^: breaks a rule that cannot be evaluated: no such key: x in self.m/)
  })

  it('says what is wrong where it is wrong', () => {
    const schema = ruled('self.min <= self.max', object({ min: { type: 'integer' }, max: { type: 'integer' } }), {
      fieldPath: '.max',
      messageExpression: "'at least ' + string(self.min)",
    })

    expect(complaints(schema, { min: 2, max: 1 })).toEqual(['/max: at least 2'])
  })
})

it('an address is what Node takes for one', () => {
  const group = fc.oneof(
    fc.integer({ min: 0, max: 65_535 }).map((n) => n.toString(16)),
    fc.constantFrom('', '0', '00000', '1.2.3.4', 'g'),
  )
  const texts = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => groups.join(':')),
    fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 }).map((bytes) => bytes.join('.')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      expect([parseIpv4(text) !== null, parseIpv6(text) !== null]).toEqual([isIPv4(text), isIPv6(text)])
    }),
    { numRuns: 500 },
  )
})
