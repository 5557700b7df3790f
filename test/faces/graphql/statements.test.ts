import { randomBytes } from 'node:crypto'
import { getNamedType, isObjectType, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql'
import { pino } from 'pino'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { hashToken, makeToken, TOKEN_BYTES } from '../../../src/core/token.ts'
import { graphqlFace } from '../../../src/faces/graphql/plugin.ts'
import { unwrap } from '../../../src/faces/graphql/refusal.ts'
import { makeSchema } from '../../../src/faces/graphql/schema.ts'
import { buildApp } from '../../../src/faces/http/app.ts'
import { scopes } from '../../../src/operations/caller.ts'
import { createServiceAccount } from '../../../src/operations/service-accounts.ts'
import { createToken } from '../../../src/operations/tokens.ts'
import { keepAdminToken } from '../../../src/store/principals.ts'
import { commitAll } from '../../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse, update, type House } from '../../support/house.ts'

/** Whatever the data, a query costs the same number of statements: those of a platform with one of everything. */
const queries: Readonly<Record<string, string>> = {
  portal:
    '{ teams(first: 50) { nodes { resources(first: 50) { nodes { blueprint { name } lastRequest { approvals { by } delivery { commit } } } } budgets { nodes { status { remaining } } } } } }',
  'a team and all that is its own':
    '{ me { teams { team { title } } } teams { totalCount nodes { title metadata { revision } contact { slack } members { user } requests(first: 5) { nodes { id } } events(first: 5) { nodes { type } } services(first: 5) { nodes { name } } budgets(first: 5) { totalCount nodes { name } } versions(first: 5) { nodes { spec } } } } }',
  'resources and what is around them':
    '{ resources(first: 50) { nodes { team { title } environment { namespace } blueprint { lifecycle } requests(first: 3) { nodes { id } } history(first: 3) { nodes { blueprint { title } } } events(first: 3) { nodes { team { title } } } } } }',
  'resources and who asked last': '{ resources(first: 50) { nodes { history(first: 3) { nodes { request { state } } } } } }',
  'requests and what is around them':
    '{ requests(first: 50) { nodes { team { title } environment { order } retryOf { id } changes { blueprint { title } resource { resource { status } } } plan { files { content previous } } diff budgets { budget { limit } } events(first: 3) { nodes { type } } } } }',
  'budgets and their ledgers':
    '{ budgets { nodes { metadata { revision } team { title } environment { title } status { reserved } ledger(first: 3) { nodes { amount request { state } } } versions(first: 3) { nodes { metadata { revision } } } } } }',
  'services and their owners': '{ services { nodes { metadata { revision } owner { title } versions(first: 2) { nodes { spec } } } } }',
  'service accounts, their tokens and trusts':
    '{ serviceAccounts { nodes { team { title } tokens(first: 3) { nodes { prefix } } } } trusts { nodes { metadata { revision } versions(first: 2) { nodes { spec } } } }}',
  'blueprints, environments and policies':
    '{ blueprints { nodes { title metadata { revision } versions(first: 2) { nodes { spec } } } } environments { nodes { title metadata { revision } versions(first: 2) { nodes { spec } } } } policies { nodes { rules metadata { revision } versions(first: 2) { nodes { spec } } } } }',
}

/** What is asked once a second, whatever the queries: how many of them a query meets is a matter of time. */
const ofIdentity: ReadonlySet<string> = new Set(['read_token', 'read_person', 'touch_tokens'])

function nameOf(statement: unknown): string {
  return typeof statement === 'object' && statement !== null && 'name' in statement ? String(statement.name) : ''
}

type Counted = { readonly statements: number; readonly nodes: number }

const houses = [await openHouse(), await openHouse()] as const
const [one, many] = houses
await fill(one, 1)
await fill(many, 6)

/** So many teams, each with so many resources, of which each was asked for and changed; budgets and services besides. */
async function fill(house: House, count: number): Promise<void> {
  const teams = Array.from({ length: count }, (_, i) => `team${i}`)
  await house.apply(
    [
      boxes,
      ...Array.from(
        { length: count },
        (_, i) =>
          `{ apiVersion: purser.dev/v1, kind: Policy, metadata: { name: none${i} }, spec: { match: { blueprints: [none] }, rules: [{ name: no, when: 'false', effect: deny }] } }`,
      ),
      ...teams.flatMap((team) => [
        `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: ${team}, title: ${team} }, spec: { members: [{ user: ann@example.com, role: owner }], contact: { slack: '#${team}' } } }`,
        ...Array.from({ length: count }, (_, i) =>
          budget(`${team}-${i}`, `{ scope: { team: ${team}, environment: lab }, limit: '1000000.00' }`),
        ),
        ...Array.from(
          { length: count },
          (_, i) => `{ apiVersion: purser.dev/v1, kind: Service, metadata: { name: ${team}-${i} }, spec: { owner: ${team} } }`,
        ),
      ]),
    ].join('\n---\n'),
  )
  const ann = await house.person('ann@example.com')
  for (const team of teams) {
    unwrap(await createServiceAccount(house.context, ann, { name: `${team}-ci`, team }))
    for (let i = 0; i < count; i++) unwrap(await createToken(house.context, ann, `${team}-ci`, { scopes: ['read'], expiresIn: 60 }))
  }
  await house.apply(
    teams
      .map(
        (team) =>
          `{ apiVersion: purser.dev/v1, kind: Trust, metadata: { name: ${team} }, spec: { issuer: 'https://ci.example.com', audience: purser, when: "claims.sub == '${team}'", serviceAccount: ${team}-ci } }`,
      )
      .join('\n---\n'),
  )
  for (const team of teams) for (let i = 0; i < count; i++) idOf(await ask(house, ann, [create(`r${i}`, 1)], { team }))
  await commitAll(house.context.database.pool)
  for (const team of teams) for (let i = 0; i < count; i++) idOf(await ask(house, ann, [update(`r${i}`, 2)], { team }))
}

/** The statements of a query in a process that has read nothing before but who asks. */
async function count(house: House, query: string, as?: string): Promise<Counted> {
  const context = house.another()
  const { pool } = context.database
  const token = makeToken(randomBytes(TOKEN_BYTES))
  await keepAdminToken(pool, hashToken(token), scopes, false)
  const app = await buildApp({
    context,
    log: pino({ level: 'silent' }),
    rateLimit: 0,
    stopping: new AbortController().signal,
    beside: (guarded, host) => graphqlFace(guarded, host, { context, history: null, introspection: true }),
  })
  const send = async (text: string) =>
    app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { authorization: `Bearer ${token}`, ...(as === undefined ? {} : { 'purser-on-behalf-of': as }) },
      payload: { query: text },
    })
  await send('{ me { teams { name } } }')
  const asked = vi.spyOn(pool, 'query')
  const answer = await send(query)
  const statements = asked.mock.calls.filter(([statement]) => !ofIdentity.has(nameOf(statement))).length
  asked.mockRestore()
  await app.close()
  const { errors } = answer.json<{ errors?: unknown }>()
  if (errors !== undefined) throw new Error(answer.body)
  return { statements, nodes: answer.body.split('{').length }
}

const table: string[] = []
afterAll(() => void process.stdout.write(`${table.join('\n')}\n`))

describe('a query costs the same number of statements, however much there is', () => {
  test.each(Object.entries(queries))('%s', async (name, query) => {
    for (const as of [undefined, 'ann@example.com']) {
      const [small, large] = [await count(one, query, as), await count(many, query, as)]
      table.push(`${String(large.statements).padStart(3)} statements for ${large.nodes} objects, as for ${small.nodes}: ${name}`)

      expect(large.nodes).toBeGreaterThan(small.nodes)
      expect(large.statements).toBe(small.statements)
    }
  })

  test('and every edge is in one of these queries', () => {
    const schema = makeSchema()
    const seen = new Set<string>()
    const info = new TypeInfo(schema)
    for (const query of Object.values(queries))
      visit(parse(query), visitWithTypeInfo(info, { Field: (node) => void seen.add(`${info.getParentType()?.name}.${node.name.value}`) }))
    const subscription = schema.getSubscriptionType()
    // A subscription answers one step at a time, with a thing of which there is one.
    const steps = Object.values(subscription?.getFields() ?? {}).map(({ type }) => getNamedType(type))
    const roots: unknown[] = [schema.getQueryType(), schema.getMutationType(), subscription, ...steps]
    // What has a resolver of its own is not simply read from its source. (A plan is one, and what somebody may is, and nothing that a list has.)
    const edges = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && !roots.includes(type) && !/^__|^(Plan|Permissions)$|(Payload|Edge)$/.test(type.name)
        ? Object.values(type.getFields()).flatMap((field) =>
            field.resolve !== undefined && isObjectType(getNamedType(field.type)) ? [`${type.name}.${field.name}`] : [],
          )
        : [],
    )

    expect(edges.length).toBeGreaterThan(40)
    expect(edges.filter((edge) => !seen.has(edge) && !edge.endsWith('Connection.edges'))).toEqual([])
  })

  test('and the portal’s is known', async () => {
    expect((await count(many, queries['portal'] ?? '')).statements).toBe(7)
  })
})
