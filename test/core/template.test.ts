import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EvaluationError, expressionEnvironment, type Values } from '../../src/core/expression.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { compileParameters } from '../../src/core/schema.ts'
import { compileTemplate, compileText } from '../../src/core/template.ts'

const schema = compileParameters({
  type: 'object',
  properties: {
    storageGB: { type: 'integer' },
    ratio: { type: 'number' },
    on: { type: 'boolean' },
    note: { type: 'string' },
    keep: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    free: {},
  },
})
if (!schema.ok) throw new Error('the schema does not compile')
const env = expressionEnvironment('template', schema.value)

const parameters: JsonObject = { storageGB: 600, ratio: 1.5, on: true, note: 'a note', tags: ['x', 'y'], labels: { b: '1', a: '2' } }
const values: Values = {
  team: { name: 'payments', title: '', costCenter: '', tags: [] },
  environment: { name: 'prod', namespace: 'payments-prod', values: { region: 'eu' } },
  blueprint: { name: 'postgres', version: '1.0.0', tags: [], lifecycle: 'production' },
  resource: { name: 'orders-db' },
  parameters,
}

function render(tree: Json, given: JsonObject = parameters): Json {
  const template = compileTemplate(tree, env, '/t')
  if (!template.ok) throw new Error(JSON.stringify(template.problem))
  return template.value.render({ ...values, parameters: given })
}

describe('a template', () => {
  it.each<readonly [string, Json]>([
    ['${parameters.storageGB}', 600],
    ['${parameters.ratio}', 1.5],
    ['${parameters.on}', true],
    ['${parameters.tags}', ['x', 'y']],
    ['${parameters.labels}', { a: '2', b: '1' }],
    ["${{'a': parameters.storageGB}}", { a: 600 }],
    ["${{'}': '}'}['}']}", '}'],
    ['${"}" + \'}\'}', '}}'],
    ["${'''a'}b'''}", "a'}b"],
    ["${r'\\d}'}", '\\d}'],
    ["${'it\\'s } fine'}", "it's } fine"],
    ['${1 // a } comment\n}', 1],
    [' ${parameters.storageGB}', ' 600'],
    ['${parameters.storageGB}GB', '600GB'],
    ['${resource.name}-${environment.namespace}', 'orders-db-payments-prod'],
    [
      '${parameters.ratio}|${parameters.on}|${2.0}|${1e21}|${1.5e-7}|${-1e-10}',
      '1.5|true|2|1000000000000000000000|0.00000015|-0.0000000001',
    ],
    ['$${literal}', '${literal}'],
    ['$$${parameters.on}', '$${parameters.on}'],
    ['a $${x} ${parameters.on}', 'a ${x} true'],
    ['$', '$'],
    ['$ {x} }', '$ {x} }'],
    ['', ''],
    ['${parameters.?keep.orValue(7)}', 7],
    ['${parameters.?note}', 'a note'],
    ['note: ${parameters.?note}', 'note: a note'],
    ['${parameters.?nothing}', null],
  ])('%j renders %j', (source, wanted) => {
    expect(render(source)).toStrictEqual(wanted)
  })

  it('leaves out what is absent and keeps the order of keys', () => {
    const rendered = render({
      z: 1,
      gone: '${parameters.?keep}',
      a: [null, '${optional.none()}', '${parameters.storageGB}'],
      deep: { gone: '${parameters.?keep}' },
    })

    expect(JSON.stringify(rendered)).toBe('{"z":1,"a":[null,600],"deep":{}}')
  })

  it('takes keys as they are', () => {
    expect(render({ '${parameters.on}': 1, __proto__x: 2 })).toStrictEqual({ '${parameters.on}': 1, __proto__x: 2 })
  })

  it.each<readonly [string, string]>([
    ['half of an emoji', '${parameters.note.substring(0, 1)}'],
    ['half of an emoji inside text', 'x ${parameters.note.substring(0, 1)}'],
    ['U+0000', "${'a\\u0000'}"],
    ['a key with U+0000', "${{'\\u0000': 1}}"],
    ['a time that no calendar has', "${timestamp('2026-01-01T00:00:00Z') + duration('99999999999999h')}"],
    ['a time that no calendar has, inside text', "x ${timestamp('2026-01-01T00:00:00Z') + duration('99999999999999h')}"],
  ])('never makes what cannot be written: %s', (_, source) => {
    expect(() => render({ a: source }, { ...parameters, note: '😀' })).toThrow(EvaluationError)
  })

  it('never evaluates what it put in', () => {
    const expressions = fc.oneof(
      fc.string(),
      fc.constantFrom('${1 + 1}', '$${x}', '${', '}', '"', "'", '\n---\nkind: X', '${resource.name}'),
    )
    fc.assert(
      fc.property(expressions, (note) => {
        const rendered = render(
          { exact: '${parameters.note}', text: '<${parameters.note}>', twice: '${parameters.note}${parameters.note}' },
          { note },
        )

        expect(rendered).toStrictEqual({ exact: note, text: `<${note}>`, twice: note + note })
      }),
    )
  })

  it('without expressions renders itself', () => {
    const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('${') && !Object.is(value, -0)) as fc.Arbitrary<Json>
    fc.assert(
      fc.property(json, (tree) => {
        expect(JSON.stringify(render(tree))).toBe(JSON.stringify(tree))
      }),
    )
  })

  it('escaped renders any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'a', '"') }), (text) => {
        const escaped = text.replaceAll('${', () => '$${')

        expect(render(escaped)).toBe(text)
      }),
    )
  })

  it('refuses every wrong leaf at once, each at its pointer with a frame', () => {
    const template = compileTemplate(
      { a: '${parameters.storagGB}', b: ['x ${parameters.tags}', '${'], 'c/d': { e: '${cost.after}' }, f: '${}', g: '${1 +}', h: "${'}" },
      env,
      '/spec/manifests/0',
    )

    expect(template.ok ? [] : template.problem).toStrictEqual([
      { pointer: '/spec/manifests/0/a', detail: 'no such key: storagGB', frame: 'parameters.storagGB\n           ^' },
      { pointer: '/spec/manifests/0/b/0', detail: 'yields list<string>, which cannot stand in text', frame: 'parameters.tags\n^' },
      { pointer: '/spec/manifests/0/b/1', detail: 'has a ${ without its }; write $${ for a literal one', frame: '${\n^' },
      {
        pointer: '/spec/manifests/0/c~1d/e',
        detail: 'there is no variable cost here; there are blueprint, environment, given, parameters, resource, team',
        frame: 'cost.after\n^',
      },
      { pointer: '/spec/manifests/0/f', detail: 'is empty', frame: '\n^' },
      { pointer: '/spec/manifests/0/g', detail: 'unexpected token: EOF', frame: '1 +\n   ^' },
      { pointer: '/spec/manifests/0/h', detail: 'has a ${ without its }; write $${ for a literal one', frame: "${'}\n^" },
    ])
  })

  it.each<readonly [string, Json, string]>([
    ['a missing value', { a: '${parameters.note}' }, '/t/a: no such key: note in parameters.note'],
    ['a map in text', { a: ['x ${parameters.free}'] }, '/t/a/0: a map cannot stand in text'],
    ['nothing in text', 'x ${parameters.?note}', '/t: an optional without a value cannot stand in text'],
    ['infinity', { a: '${1.0 / 0.0}' }, '/t/a: Infinity is no number that JSON knows'],
    ['a division', 'x ${1 / 0}', '/t: division by zero in 1 / 0'],
  ])('that has no value names its leaf: %s', (_, tree, wanted) => {
    expect(() => render(tree, { free: { a: 1 } })).toThrow(new EvaluationError(wanted))
  })
})

describe('a text', () => {
  it('is text even where it is one expression', () => {
    const text = compileText('${parameters.storageGB}', env, '/m')

    expect(text.ok && text.value.render(values)).toBe('600')
  })

  it('shows times as RFC 3339', () => {
    const text = compileText('at ${now}, ${requester.subject}', expressionEnvironment('message', null), '/m')

    expect(
      text.ok && text.value.render({ now: new Date(0), requester: { subject: 'a', kind: 'person', roles: [], via: null, groups: [] } }),
    ).toBe('at 1970-01-01T00:00:00.000Z, a')
  })

  it('refuses what has no text', () => {
    const text = compileText('Tags: ${parameters.tags}', env, '/m')

    expect(text.ok ? [] : text.problem.map((error) => error.pointer)).toStrictEqual(['/m'])
  })
})
