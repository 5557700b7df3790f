import { serverAudits } from 'graphql-http'
import { describe, expect, test } from 'vitest'
import { boxes } from '../../support/house.ts'
import { openGraphqlHouse } from './graphql-house.ts'

/** GraphQL over HTTP: what stands around a query. What is in it is in the other files. */
const { app, house, graphql, token } = await openGraphqlHouse()
await house.apply(boxes)
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const authorized = { authorization: `Bearer ${token}` }

test('the audit of GraphQL over HTTP has nothing to say: not one MUST, not one SHOULD', async () => {
  const audits = serverAudits({
    url: `${url}/graphql`,
    fetchFn: (to: string, init: RequestInit = {}) => fetch(to, { ...init, headers: { ...authorized, ...(init.headers as object) } }),
  })

  const results = await Promise.all(audits.map(async ({ id, name, fn }) => ({ id, name, status: (await fn()).status })))

  process.stdout.write(`${results.map(({ id, name, status }) => `${status.padEnd(6)} ${id} ${name}`).join('\n')}\n`)
  expect(results.length).toBeGreaterThan(50)
  expect(results.filter(({ status, name }) => status !== 'ok' && !name.startsWith('MAY '))).toEqual([])
})

test.each([
  ['no body', {}, undefined, 400, 'malformed'],
  ['a list of operations: batching is off', {}, '[{"query":"{ me { subject } }"}]', 400, 'malformed'],
  ['no JSON', {}, '{', 400, 'malformed'],
  ['no query', {}, '{"variables":{}}', 400, 'malformed'],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'query=%7B__typename%7D', 415, 'unsupported-media-type'],
  ['text that is a query', { 'content-type': 'application/graphql' }, '{ __typename }', 415, 'unsupported-media-type'],
  ['for a picture', { accept: 'image/png' }, '{"query":"{ __typename }"}', 406, 'not-acceptable'],
  ['without a token', { authorization: '' }, '{"query":"{ __typename }"}', 401, 'unauthenticated'],
] as const)('a request with %s is refused as such, in either form', async (_, headers, payload, status, code) => {
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    const answer = await app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { ...authorized, accept, 'content-type': 'application/json', ...headers },
      ...(payload === undefined ? {} : { payload }),
    })

    expect([answer.statusCode, answer.json()]).toEqual([
      status,
      { errors: [{ message: expect.any(String), extensions: expect.objectContaining({ code, status }) }] },
    ])
    expect(answer.headers['x-request-id']).toEqual(expect.any(String))
  }
})

test('a query may come by GET, with its variables', async () => {
  const query = new URLSearchParams({
    query: 'query A($name: String!) { team(name: $name) { name } } query B { me { subject } }',
    operationName: 'A',
    variables: '{"name":"red"}',
  })
  const answer = await app.inject({ method: 'GET', url: `/graphql?${query.toString()}`, headers: authorized })

  expect([answer.statusCode, answer.json()]).toEqual([200, { data: { team: { name: 'red' } } }])
})

test('nothing is changed by GET: a mutation is refused, and says how it is done', async () => {
  const query = new URLSearchParams({ query: 'mutation { deleteTeam(input: { name: "grey" }) { name } }' })
  const answer = await app.inject({ method: 'GET', url: `/graphql?${query.toString()}`, headers: authorized })

  expect([
    answer.statusCode,
    answer.headers['allow'],
    answer.json<{ errors: { extensions: { code: string } }[] }>().errors[0]?.extensions.code,
  ]).toEqual([405, 'POST', 'method-not-allowed'])
  expect((await graphql('{ team(name: "grey") { name } }')).data).toEqual({ team: { name: 'grey' } })
})

test.each([
  ['{', 'malformed'],
  ['{}', 'malformed'],
  ['[]', 'malformed'],
  ['1', 'malformed'],
  ['#', 'malformed'],
  ['{"kind":"Document","definitions":[]}', 'malformed'],
  [
    '{"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","selectionSet":{"kind":"SelectionSet","selections":[]}}]}',
    'malformed',
  ],
  ['fragment a on Query { me { subject } }', 'malformed'],
  ['type Query { x: Int }', 'malformed'],
  ['{ nothing }', 'malformed'],
  ['query($id: ID!) { request(id: $id) { id } }', 'malformed'],
  ['query A { me { subject } } query B { me { subject } }', 'malformed'],
  ['{ requests(first: "many") { nodes { id } } }', 'malformed'],
  ['{ requests(state: pending_approval) { nodes { id } } }', 'malformed'],
] as const)('what is wrong with the query %s is told with 400, or in the old form with 200', async (query, code) => {
  const [now, before] = [await graphql(query), await graphql(query, { accept: 'application/json' })]

  expect([now.status, before.status]).toEqual([400, 200])
  expect(now.data).toBeUndefined()
  expect(now.errors[0]?.extensions.code).toBe(code)
  expect(before.errors).toEqual(now.errors)
})

test('a field that is refused leaves the others alone', async () => {
  const answer = await graphql('{ me { subject } request(id: "req_nothing") { id } }')

  expect([answer.status, answer.data]).toEqual([200, { me: { subject: 'admin' }, request: null }])
  expect(answer.errors).toEqual([
    {
      message: 'Not found',
      locations: [{ line: 1, column: 18 }],
      path: ['request'],
      extensions: { type: 'https://purser.dev/problems/not-found', title: 'Not found', status: 404, code: 'not-found' },
    },
  ])
})

describe('a query that comes again and again is compiled, and', () => {
  test('of several operations in one text it is still the one that is named', async () => {
    const query = 'query A { me { subject } } query B { team(name: "red") { name } }'
    const seen: unknown[] = []
    for (let i = 0; i < 5; i++)
      for (const operationName of ['A', 'B'])
        seen.push(
          (await app.inject({ method: 'POST', url: '/graphql', headers: authorized, payload: { query, operationName } })).json<{
            data: unknown
          }>().data,
        )

    expect(seen).toEqual(Array.from({ length: 5 }, () => [{ me: { subject: 'admin' } }, { team: { name: 'red' } }]).flat())
  })

  test('may have names that mean something to JavaScript', async () => {
    const names = ['constructor', 'toString', 'hasOwnProperty', 'then', 'prototype', 'function', 'await', 'undefined', 'data', '__context']
    const query = `query constructor { ${names.map((name) => `${name}: me { ${name}: subject ...toString }`).join(' ')} } fragment toString on Me { valueOf: kind }`
    for (let i = 0; i < 5; i++) {
      const { text, errors } = await graphql(query)

      expect(errors).toEqual([])
      const wanted = names.map((name) => `"${name}":{"${name}":"admin","valueOf":"SERVICE_ACCOUNT"}`)
      expect(text).toBe(`{"data":{${wanted.join(',')}}}`)
    }
  })

  test.each([
    ['a variable that is missing', 'query($id: ID!) { request(id: $id) { id } }', {}],
    ['a variable of another type', 'query($n: Int) { teams(first: $n) { nodes { name } } }', { n: 'many' }],
    ['an enum that is none', 'query($s: RequestState) { requests(state: $s) { nodes { id } } }', { s: 'queued' }],
    ['what is not there', '{ me { subject } resource(id: "res_nothing") { id } }', {}],
    ['a page that is too long', 'query($n: Int) { me { subject } services(first: $n) { nodes { name } } }', { n: 201 }],
    ['null where a list is', '{ me { subject } events(after: "x") { nodes { id } } }', {}],
  ])('%s is told as it was the first time', async (_, query, variables) => {
    const [first] = [await graphql(query, { variables })]
    for (let i = 0; i < 4; i++) {
      const again = await graphql(query, { variables })

      expect([again.status, again.data]).toEqual([first.status, first.data])
      expect(again.errors.map(({ extensions: { code, status, errors } }) => ({ code, status, errors }))).toEqual(
        first.errors.map(({ extensions: { code, status, errors } }) => ({ code, status, errors })),
      )
      expect(again.errors.length).toBeGreaterThan(0)
    }
  })
})
