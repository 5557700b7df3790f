import { buildSchema, getIntrospectionQuery, parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { costOf, limits } from '../../../src/faces/graphql/limits.ts'
import { makeSchema } from '../../../src/faces/graphql/schema.ts'
import { boxes } from '../../support/house.ts'
import { openGraphqlHouse } from './graphql-house.ts'

const { house, graphql, app, token } = await openGraphqlHouse()
await house.apply(boxes)

function nested(depth: number): string {
  return `{ team(name: "red") ${'{ requests(first: 1) { nodes { team '.repeat(depth)} { name } ${'} } }'.repeat(depth)} }`
}

const hostile: readonly (readonly [what: string, query: string, says: RegExp])[] = [
  ['deeper than anybody needs', nested(8), /levels deep; at most 16/],
  ['deep through fragments', `{ team(name: "red") { ...a } } ${chain(12)}`, /levels deep; at most 16/],
  [
    'with more aliases than anybody needs',
    `{ ${Array.from({ length: 51 }, (_, i) => `a${i}: me { subject }`).join(' ')} }`,
    /51 aliases; at most 50/,
  ],
  ['with 10,000 aliases', `{ ${Array.from({ length: 10_000 }, (_, i) => `a${i}:me{kind}`).join(' ')} }`, /characters; at most 20000/],
  ['with more words than anybody reads', `{ ${'me { kind } '.repeat(300)} }`, /more than 1000 tokens/],
  ['with a name that no answer can carry', '{ __proto__: me { subject } }', /alias __proto__/],
  ['with a flood of directives', `{ me { ${'subject @include(if: true) '.repeat(51)} } }`, /51 directives; at most 50/],
  ['with a flood of directives on one field', `{ me { subject ${'@skip(if: false) '.repeat(60)} } }`, /60 directives; at most 50/],
  [
    'for pages of pages of pages',
    '{ teams { nodes { requests { nodes { events { nodes { actor { kind } } } } } } } }',
    /costs \d+; at most 50000/,
  ],
  [
    'for long pages within long pages',
    '{ teams(first: 200) { nodes { resources(first: 200) { nodes { files { path } } } } } }',
    /costs \d+; at most 50000/,
  ],
  [
    'for long pages that a variable has without being given',
    'query($n: Int = 200) { teams(first: $n) { nodes { resources(first: $n) { nodes { files { path } } } } } }',
    /costs \d+; at most 50000/,
  ],
  ['with a variable that every object has', 'query($__proto__: ID!) { node(id: $__proto__) { id } }', /variable \$__proto__/],
  ['whose fragments double each other', doubling(4), /costs \d+; at most 50000/],
  ['whose fragments double each other, and cost nothing', doublingLeaves(30), /selects 5368709118 .*; at most 2000/],
  [
    'for many changes at once',
    `mutation { ${Array.from({ length: 11 }, (_, i) => `a${i}: cancelRequest(input: { id: "x" }) { request { id } }`).join(' ')} }`,
    /costs \d+; at most 50000/,
  ],
]

function chain(length: number): string {
  return Array.from(
    { length },
    (_, i) => `fragment ${name(i)} on Team { requests(first: 1) { nodes { team { ${i + 1 < length ? `...${name(i + 1)}` : 'name'} } } } }`,
  ).join(' ')
}
function doubling(length: number): string {
  const fragments = Array.from(
    { length },
    (_, i) =>
      `fragment ${name(i)} on Team { one: budgets(first: 3) { nodes { team { ${i + 1 < length ? `...${name(i + 1)}` : 'name'} } } } two: services(first: 3) { nodes { owner { ${i + 1 < length ? `...${name(i + 1)}` : 'name'} } } } }`,
  )
  return `{ teams(first: 200) { nodes { ...a } } } ${fragments.join(' ')}`
}
function doublingLeaves(length: number): string {
  const fragments = Array.from({ length }, (_, i) => `fragment f${i} on Team { name ...f${i + 1} ... on Team { ...f${i + 1} } }`)
  return `{ team(name: "red") { ...f0 } } ${fragments.join(' ')} fragment f${length} on Team { name }`
}
function name(index: number): string {
  return String.fromCharCode(97 + index)
}

describe('a query is refused', () => {
  test.each(hostile)('%s', async (_, query, says) => {
    const answer = await graphql(query)

    expect([answer.status, answer.data, answer.errors.length]).toEqual([422, undefined, 1])
    expect(answer.errors[0]?.extensions).toMatchObject({ code: 'invalid', errors: [{ pointer: '/query' }] })
    expect(answer.errors[0]?.message).toMatch(says)
  })

  test('whose fragments go round in circles', async () => {
    const answer = await graphql(
      '{ team(name: "red") { ...a } } fragment a on Team { ...b } fragment b on Team { budgets { nodes { team { ...a } } } }',
    )

    expect([answer.status, answer.data, answer.errors[0]?.extensions.code]).toEqual([400, undefined, 'malformed'])
    expect(answer.errors[0]?.message).toMatch(/Cannot spread fragment/)
  })

  // What is compiled, the third time, is found by other rules than what is interpreted.
  test.each(['', 'B'])('beyond the limits under the operation name "%s", however often it comes', async (operationName) => {
    const expensive = '{ teams(first: 200) { nodes { resources(first: 200) { nodes { files { path } } } } } }'
    const payload = { query: expensive, operationName }
    for (let i = 0; i < 4; i++) {
      const answer = await app.inject({ method: 'POST', url: '/graphql', headers: { authorization: `Bearer ${token}` }, payload })
      expect(answer.json()).toEqual({ errors: [expect.anything()] })
    }
  })

  test.each([0, -1, 201, 1_000_000])('for a page of %d', async (first) => {
    const answer = await graphql('query($first: Int) { services(first: $first) { nodes { name } } }', { variables: { first } })

    expect(answer.errors[0]?.extensions).toMatchObject({ code: 'invalid', errors: [{ pointer: '/query/first' }] })
  })

  test('with variables that are larger than a body may be', async () => {
    const answer = await graphql('query($name: String!) { team(name: $name) { name } }', { variables: { name: 'x'.repeat(1024 * 1024) } })

    expect([answer.status, answer.errors[0]?.extensions.code]).toEqual([413, 'too-large'])
  })

  test('with thousands of mistakes in a variable, in a few words', async () => {
    const input = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`x${i}`, 'secret']))
    const answer = await graphql('mutation($input: CancelRequestInput!) { cancelRequest(input: $input) { request { id } } }', {
      variables: { input },
    })

    expect(new Set(answer.errors.map(({ extensions }) => extensions.code))).toEqual(new Set(['malformed']))
    expect(answer.errors[0]?.message).toMatch(/^Variable "\$input" got invalid value .* … .* must be|was not provided|is not defined/)
    expect([answer.status, answer.errors.length <= 6, answer.text.length < 20_000]).toEqual([400, true, true])
  })

  test('with JSON in it that is nested without end', async () => {
    const answer = await graphql(`mutation { apply(input: { documents: [${'['.repeat(450)}${']'.repeat(450)}] }) { platformRevision } }`)

    expect(answer.errors[0]?.message).toMatch(/nested more than 64 levels deep/)
  })
})

test('what portals ask is within every limit', async () => {
  const portal = `{ teams(first: 50) { nodes { resources(first: 50) { nodes { blueprint { name } lastRequest { approvals { by } delivery { commit } } } } budgets { nodes { status { remaining } } } } } }`
  const [asked, introspected] = [await graphql(portal), await graphql(getIntrospectionQuery())]

  expect(asked.errors).toEqual([])
  expect(introspected.errors).toEqual([])
  expect(costOf(makeSchema(), parse(portal), null, {})).toBe(32_600)
})

test('the cost is what the documentation says', () => {
  const schema = buildSchema(`
    type Query { one: Thing, some: [Thing!], list(first: Int = 50): ThingConnection, leaf: Int }
    type ThingConnection { nodes: [Thing!], edges: [ThingEdge!] }
    type ThingEdge { cursor: String, node: Thing }
    type Thing { name: String, one: Thing, list(first: Int = 50): ThingConnection }
    type Mutation { change: Thing }`)
  const cost = (query: string, variables = {}) => costOf(schema, parse(query), null, variables)

  expect(cost('{ leaf }')).toBe(0)
  expect(cost('{ one { name } }')).toBe(1)
  expect(cost('{ some { one { name } } }')).toBe(10)
  expect(cost('{ list { nodes { name } } }')).toBe(100)
  expect(cost('{ list(first: 10) { edges { node { one { name } } } } }')).toBe(40)
  expect(cost('query($n: Int) { list(first: $n) { nodes { name } } }', { n: 3 })).toBe(6)
  expect(cost('query($n: Int = 3) { list(first: $n) { nodes { name } } }')).toBe(6)
  expect(cost('query($n: Int = 3) { list(first: $n) { nodes { name } } }', { n: 4 })).toBe(8)
  expect(cost('{ ...f } fragment f on Query { one { name } two: one { name } }')).toBe(2)
  expect(cost('mutation { change { name } }')).toBe(5_001)
  expect(limits.cost).toBe(50_000)
})

test('a list of operations is none', async () => {
  const answer = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    payload: JSON.stringify(Array.from({ length: 100 }, () => ({ query: '{ me { subject } }' }))),
  })

  expect(answer.statusCode).toBe(400)
})
