import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compileExpression,
  EvaluationError,
  expressionEnvironment,
  type ExpressionEnvironment,
  type Scope,
  type Values,
} from '../../src/core/expression.ts'
import { absent, fromCel, toCel } from '../../src/core/expression/values.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { compileParameters, type ParameterSchema } from '../../src/core/schema.ts'

function schemaOf(schema: JsonObject): ParameterSchema {
  const result = compileParameters(schema)
  if (!result.ok) throw new Error(JSON.stringify(result.problem))
  return result.value
}

const postgres = schemaOf({
  type: 'object',
  properties: {
    size: { type: 'string' },
    storageGB: { type: 'integer' },
    ratio: { type: 'number' },
    highAvailability: { type: 'boolean' },
    note: { type: 'string' },
    backup: { type: 'object', properties: { enabled: { type: 'boolean' }, keep: { type: 'integer' } } },
    rules: { type: 'array', items: { type: 'object', properties: { port: { type: 'integer' }, host: { type: 'string' } } } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    anything: {},
    'odd-name': { type: 'integer' },
    'a.b': { type: 'object', properties: {} },
    a_b: { type: 'object', properties: {} },
  },
})

const values = {
  action: 'update',
  team: { name: 'payments', title: 'Payments', costCenter: '4711', tags: ['core'] },
  environment: {
    name: 'prod',
    namespace: 'payments-prod',
    values: { region: 'eu-central-1', zones: 3, ratio: 0.5, nested: { a: [1, 2.5] }, nothing: null },
  },
  blueprint: { name: 'postgres', version: '1.2.0', tags: ['database'], lifecycle: 'production' },
  resource: { name: 'orders-db' },
  parameters: {
    size: 'm',
    storageGB: 600,
    ratio: 2,
    highAvailability: true,
    backup: { enabled: true },
    rules: [
      { port: 80, host: 'a' },
      { port: 443, host: 'b' },
    ],
    labels: { tier: 'gold' },
    anything: { x: 1 },
    'odd-name': 5,
  },
  previous: { size: 's', storageGB: 10, ratio: 2, backup: { enabled: true }, labels: { tier: 'gold' } },
  cost: { before: 15, after: 129, delta: 114 },
  requester: { subject: 'alice@example.com', kind: 'person', roles: ['developer'], via: null, groups: ['idp-payments'] },
  now: new Date('2026-03-29T01:30:00Z'),
} satisfies Values

const policy = expressionEnvironment('policy', postgres)

function run(source: string, env: ExpressionEnvironment = policy, given: Values = values): unknown {
  const compiled = compileExpression(source, env, 'any')
  if (!compiled.ok) throw new Error(`${compiled.problem.detail}\n${compiled.problem.frame}`)
  return compiled.value.evaluate(given)
}

function refusal(source: string, env: ExpressionEnvironment = policy, expects: 'bool' | 'number' | 'any' = 'any'): string {
  const compiled = compileExpression(source, env, expects)
  return compiled.ok ? 'compiles' : `${compiled.problem.detail}\n${compiled.problem.frame}`
}

const price = "({'s': 15.0, 'm': 60.0}[parameters.size] + 0.115 * double(parameters.storageGB)) * (parameters.highAvailability ? 2.0 : 1.0)"

describe('an expression', () => {
  it.each<readonly [string, unknown]>([
    [price, 258],
    ['parameters.storageGB > 500', true],
    ['parameters.storageGB > 500.5', true],
    ['parameters.storageGB', 600n],
    ['parameters.ratio', 2],
    ['parameters.ratio * 1.5', 3],
    ["parameters['odd-name'] + 1", 6n],
    ['7 / 2 == 3', true],
    ["!environment.values.region.startsWith('eu-')", false],
    ['environment.values.zones + 1', 4n],
    ['environment.values.ratio * 2.0', 1],
    ['environment.values.nested.a[0] + 1', 2n],
    ['environment.values.nested.a[1] + 1.0', 3.5],
    ["environment.values.nothing == 'x'", false],
    ["environment.namespace == 'payments-prod'", true],
    ["parameters.?region.orValue('')", ''],
    ["parameters.?note.orValue('none')", 'none'],
    ['parameters.?backup.?keep.orValue(7)', 7n],
    ['has(parameters.note)', false],
    ['has(parameters.backup) && parameters.backup.enabled', true],
    ['has(previous.storageGB) && previous.storageGB < parameters.storageGB', true],
    ['previous.backup == parameters.backup', true],
    ['parameters.backup == previous.backup', true],
    ['parameters.backup != previous.backup', false],
    ['previous.labels == parameters.labels', true],
    ['previous.ratio == parameters.ratio', true],
    ['parameters.rules.exists(r, r.port == 443)', true],
    ['parameters.rules.filter(r, r.port < 100).map(r, r.host)', ['a']],
    ['parameters.rules.all(a, parameters.rules.exists(b, b.port == a.port))', true],
    ["parameters.labels.all(k, k.matches('^[a-z]+$'))", true],
    ["parameters.size.matches('^(s|m)$')", true],
    ["'developer' in requester.roles", true],
    ["requester.via == ''", true],
    ['cost.delta > 100.0 && cost.delta > 100', true],
    ["now > timestamp('2026-03-29T01:29:59Z')", true],
    ["now.getHours('Europe/Berlin')", 3n],
    ["now.getDayOfWeek('Europe/Berlin')", 0n],
    ['now.getDayOfYear()', 87n],
    ["action == 'update' && team.name == 'payments' && blueprint.lifecycle == 'production' && resource.name != ''", true],
    ['team.tags[0] + blueprint.tags[0]', 'coredatabase'],
  ])('%s has its value', (source, wanted) => {
    expect(run(source)).toStrictEqual(wanted)
  })

  it('sees an empty previous on create', () => {
    expect(run('has(previous.storageGB)', policy, { ...values, action: 'create', previous: {} })).toBe(false)
  })

  it('that is dynamic all the way has parameters of any blueprint', () => {
    expect(run("parameters.storageGB > 500 && parameters.?region.orValue('') == ''", expressionEnvironment('policy', null))).toBe(true)
  })

  it.each<readonly [string, string]>([
    ['parameters.storagGB > 5', 'no such key: storagGB\nparameters.storagGB > 5\n           ^'],
    ['has(parameters.region)', 'no such key: region\nhas(parameters.region)\n               ^'],
    [
      'parameters.rules.exists(r, has(r.prot))',
      'no such key: prot\nparameters.rules.exists(r, has(r.prot))\n                                 ^',
    ],
    ['parameters.storageGB == 10.0', 'no such overload: int == double\nparameters.storageGB == 10.0\n^'],
    ["{'s': 15, 'm': 60.5}", "map value uses wrong type, expected type 'int' but found 'double'\n{'s': 15, 'm': 60.5}\n               ^"],
    ["namespace == 'x'", "namespace is a reserved word; it is environment.namespace\nnamespace == 'x'\n^"],
    ['cots.after > 5.0', 'there is no variable cots here; did you mean cost?\ncots.after > 5.0\n^'],
    ['true &&\n  1 +', 'unexpected token: EOF\n  1 +\n     ^'],
    ["'abc", "unterminated string\n'abc\n^"],
    [
      "parameters.size.matches('(?=x)')",
      "the pattern is no RE2 pattern: invalid or unsupported Perl syntax: `(?=`\nparameters.size.matches('(?=x)')\n                        ^",
    ],
    ['parameters.size.matches(1)', "found no matching overload for 'string.matches(int)'\nparameters.size.matches(1)\n^"],
    [
      'parameters.rules.map(a, parameters.rules.map(b, parameters.rules.map(c, 1)))',
      'macros are nested deeper than 2\nparameters.rules.map(a, parameters.rules.map(b, parameters.rules.map(c, 1)))\n                                                ^',
    ],
    [
      'cel.bind(a, 1, cel.bind(b, 1, cel.bind(c, 1, a + b + c)))',
      'macros are nested deeper than 2\ncel.bind(a, 1, cel.bind(b, 1, cel.bind(c, 1, a + b + c)))\n                              ^',
    ],
    ['', 'is empty\n\n^'],
  ])('%j is refused with a frame', (source, wanted) => {
    expect(refusal(source)).toBe(wanted)
  })

  it('is refused when it is too long or too deep', () => {
    expect(refusal('1 + '.repeat(600) + '1')).toContain('is longer than 2000 characters')
    expect(refusal('('.repeat(200) + '1' + ')'.repeat(200))).toContain('exceeded maxDepth')
    expect(refusal('[[[['.repeat(100) + ']]]]'.repeat(100))).toContain('exceeded maxDepth')
  })

  it('knows no clock and no chance', () => {
    for (const source of ['now()', 'rand()', 'random()', 'timestamp()', 'uuid()']) expect(refusal(source)).not.toBe('compiles')
  })

  it.each<readonly [string, 'bool' | 'number', string]>([
    ['parameters.storageGB', 'bool', 'yields int, but true or false is needed\nparameters.storageGB\n^'],
    ["'x'", 'number', "yields string, but a number is needed\n'x'\n^"],
    ['parameters.rules', 'bool', 'yields list<parameters.rules.items>, but true or false is needed\nparameters.rules\n^'],
  ])('%s is no %s', (source, expects, wanted) => {
    expect(refusal(source, policy, expects)).toBe(wanted)
  })

  it('has the variables of its scope and no other', () => {
    const everywhere = ['team.name', 'environment.name', 'blueprint.name', 'parameters.size']
    const seen: { readonly [S in Scope]: readonly string[] } = {
      policy: [...everywhere, 'action', 'resource.name', 'previous', 'cost.after', 'requester.subject', 'now'],
      message: [...everywhere, 'action', 'resource.name', 'previous', 'cost.after', 'requester.subject', 'now'],
      set: [...everywhere, 'action', 'resource.name', 'previous', 'requester.subject', 'now'],
      price: [...everywhere, 'action'],
      template: [...everywhere, 'resource.name'],
      trust: ['claims.sub'],
    }
    for (const [scope, sources] of Object.entries(seen)) {
      const env = expressionEnvironment(scope as Scope, postgres)
      expect([...seen.policy, ...seen.trust].filter((source) => compileExpression(source, env, 'any').ok).sort()).toStrictEqual(
        [...sources].sort(),
      )
    }
  })

  it('has one environment per scope and schema', () => {
    expect(expressionEnvironment('policy', postgres)).toBe(policy)
    expect(expressionEnvironment('price', postgres)).not.toBe(policy)
  })
})

describe('evaluation', () => {
  it.each<readonly [string, string]>([
    ['parameters.note', 'no such key: note in parameters.note'],
    ["{'s': 1}[parameters.size]", "no such key: m in {'s': 1}[parameters.size]"],
    ['1 / (parameters.storageGB - 600)', 'division by zero in 1 / (parameters.storageGB - 600'],
    ['parameters.rules[5].port', 'no such key: index out of bounds, index 5 >= size 2 in parameters.rules[5]'],
    ["int('x')", "int() type error: cannot convert to int in int('x')"],
    ["timestamp('2026-01-31 10:00:00.000')", '"2026-01-31 10:00:00.000" is no RFC 3339 time such as 2026-01-31T10:00:00Z'],
    ["now.getHours('Mars')", '"Mars" is no time zone'],
    ["parameters.size.matches(parameters.size + '(')", 'the pattern is no RE2 pattern: missing closing ): `m(`'],
  ])('%s fails in words', (source, wanted) => {
    expect(() => run(source)).toThrow(new EvaluationError(wanted))
  })

  it('never lets an error of the library through, whatever the source', () => {
    const pieces = [
      'parameters',
      '.size',
      '.rules',
      '[0]',
      '.map(x, x)',
      'previous',
      'now',
      '1',
      "'a'",
      ' + ',
      ' == ',
      ' in ',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '.json()',
      "b'x'",
      '.?',
      'has(',
      ' ? ',
      ' : ',
      '!',
      ' && ',
      ' || ',
      'int(',
      'duration(',
      '.getHours(',
      '-',
      ',',
      ' ',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (parts) => {
        const compiled = compileExpression(parts.join(''), policy, 'any')
        if (!compiled.ok) return
        try {
          compiled.value.evaluate(values)
        } catch (error) {
          expect(error).toBeInstanceOf(EvaluationError)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('checks again what was dynamic', () => {
    const compiled = compileExpression('environment.values.region', policy, 'bool')

    expect(() => compiled.ok && compiled.value.evaluate(values)).toThrow(
      new EvaluationError('yields a string, but true or false is needed'),
    )
  })

  it('says which variable is not known', () => {
    expect(() => run('cost.after > 1.0', policy, { parameters: {} })).toThrow(new EvaluationError('cost is not known here'))
  })

  it('refuses whole numbers above 2^53', () => {
    expect(() =>
      run('environment.values.big + 1', policy, { environment: { name: 'x', namespace: 'x', values: { big: 2 ** 53 } } }),
    ).toThrow(EvaluationError)
  })

  it('matches in linear time', () => {
    expect(
      run("parameters.size.matches('^(([a-z])+.)+[A-Z]([a-z])+$')", policy, { ...values, parameters: { size: 'a'.repeat(100_000) } }),
    ).toBe(false)
  })

  it.each([
    "parameters.size.split('').exists(a, a == 'b')",
    "parameters.size.split('').all(a, a == 'a')",
    "parameters.size.split('').map(a, a).size() > 0",
    "true || parameters.size.split('').exists(a, true)",
    "parameters.size.split('').exists(a, parameters.size.split('').exists(b, b != a)) || true",
  ])('gives up where it would loop too long, and is not forgiven: %s', (source) => {
    const given = { ...values, parameters: { size: 'a'.repeat(500_000) } }
    const evaluate = () => run(source, policy, given)

    // Short-circuiting never runs the loop, which is as good.
    if (source.startsWith('true ||')) expect(evaluate()).toBe(true)
    else expect(evaluate).toThrow(new EvaluationError('the expression loops over more than 20000 items'))
  })

  it.each([
    [
      'functions on long text in loops',
      "parameters.size.startsWith('b') || HUNDRED.exists(a, HUNDRED.exists(b, parameters.size.size() == a + b))",
    ],
    ['long text that is made in loops', "HUNDRED.map(a, HUNDRED.map(b, parameters.size).join('')).join('').size() > 0"],
    ['long text that is added up', '[GROWN].map(a, (a + a + a + a + a + a + a + a).size())[0] > 0'],
  ])('gives up where it would read too much, and is not forgiven: %s', (_, source) => {
    const hundred = `[${Array.from({ length: 100 }, (_, i) => i).join(',')}]`
    const given = { ...values, parameters: { size: 'a'.repeat(500_000) } }
    const written = source
      .replaceAll('HUNDRED', hundred)
      .replaceAll('GROWN', Array.from({ length: 8 }, () => 'parameters.size').join(' + '))

    expect(() => run(written, policy, given)).toThrow(new EvaluationError('the expression reads more than 16 MiB of text'))
  })

  it('gives up where lists are added to themselves again and again', () => {
    const grown = Array.from({ length: 6 }).reduce<string>(
      (list) => `[${list}].map(a, ${Array.from({ length: 10 }, () => 'a').join(' + ')})[0]`,
      '[1, 2, 3, 4, 5]',
    )

    expect(() => run(`${grown}.size()`, policy)).toThrow(new EvaluationError('the expression loops over more than 20000 items'))
  })

  it('does not mind long text that is looked at a few times, or short text in two loops', () => {
    const long = { ...values, parameters: { size: 'a'.repeat(1_000_000) } }
    const hundred = `[${Array.from({ length: 100 }, (_, i) => i).join(',')}]`

    expect(
      run(
        "parameters.size.size() == 1000000 && parameters.size.startsWith('a') && !parameters.size.contains('b') && parameters.size.matches('^a+$')",
        policy,
        long,
      ),
    ).toBe(true)
    expect(
      run(`${hundred}.all(a, ${hundred}.all(b, ('x' + parameters.size).startsWith('x') && parameters.rules.size() == 2))`, policy),
    ).toBe(true)
  })

  it('yields the same for the same, whatever ran before', () => {
    const sources = [price, 'parameters.rules.exists(r, r.port == 443)', 'parameters.?note', 'previous', "now.getHours('Europe/Berlin')"]
    const compiled = sources.map((source) => compileExpression(source, policy, 'any'))
    fc.assert(
      fc.property(fc.array(fc.nat(sources.length - 1), { maxLength: 10 }), (order) => {
        for (const i of order) {
          const expression = compiled[i]
          if (expression?.ok !== true) throw new Error('does not compile')
          const json = fromCel(expression.value.evaluate(values))
          expect(json).toStrictEqual(fromCel(run(sources[i] ?? '')))
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('JSON and CEL', () => {
  const json = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
      fc.array(tie('value')),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')), tie('value')),
    ),
  })).value

  it('are one value, there and back', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(fromCel(toCel(value))).toEqual(value)
      }),
    )
  })

  it('order members that no schema names, so that no store decides on it', () => {
    expect(JSON.stringify(fromCel(toCel({ b: 1, a: { d: 1, c: 2 } })))).toBe('{"a":{"c":2,"d":1},"b":1}')
    expect(
      JSON.stringify(fromCel(run('parameters', policy, { parameters: { storageGB: 1, size: 's', labels: { z: '1', a: '2' } } }))),
    ).toBe('{"size":"s","storageGB":1,"labels":{"a":"2","z":"1"}}')
  })

  it('know no infinity, no int above 2^53 and no types', () => {
    for (const source of ['1.0 / 0.0', '0.0 / 0.0', '9007199254740993', 'type(1)', "b'x'", "duration('1h')"]) {
      expect(() => fromCel(run(source)), source).toThrow(EvaluationError)
    }
  })

  it('keep nothing where an optional is empty', () => {
    expect(fromCel(run('optional.none()'))).toBe(absent)
    expect(fromCel(run('optional.of(1)'))).toBe(1)
    expect(fromCel(run("[optional.none(), optional.of('x')]"))).toStrictEqual(['x'])
    expect(fromCel(run('-0.0'))).toBe(0)
  })
})
