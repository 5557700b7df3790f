import { describe, expect, test } from 'vitest'
import { isObject } from '../../../src/core/json.ts'
import { commitAll } from '../../support/delivery.ts'
import { ask, boxes, budget, create, idOf, update } from '../../support/house.ts'
import { openGraphqlHouse } from './graphql-house.ts'

/** L11 along the edges: the parity table compares what stands alone, this what is reached through something else. */
const { house, graphql, rest } = await openGraphqlHouse()
await house.apply(
  [boxes, budget('red-purse', "{ scope: { team: red }, limit: '100000.00' }"), budget('all', "{ limit: '900000.00' }")].join('\n---\n'),
)
await rest('POST', '/v1/service-accounts', { name: 'red-bot', team: 'red', description: 'deploys' })
await rest('POST', '/v1/service-accounts/red-bot/tokens', { scopes: ['read'], expiresIn: 600 })
await house.apply(
  "{ apiVersion: purser.dev/v1, kind: Trust, metadata: { name: red-jobs }, spec: { issuer: 'https://ci.example.com', audience: purser, when: \"claims.sub == 'deploy'\", serviceAccount: red-bot } }",
)
const ann = await house.person('ann@example.com')
const first = idOf(await ask(house, ann, [create('hidden', 1)]))
await commitAll(house.context.database.pool)
const waiting = idOf(await ask(house, ann, [update('hidden', 600)]))
const owned = await graphql('{ resources { nodes { id } } }', { as: 'ann@example.com' })
const resource = /res_\w+/.exec(owned.text)?.[0] ?? ''

const lists =
  'resources { nodes { id name } } requests { nodes { id reason } } budgets { totalCount nodes { name } } events(first: 5) { nodes { subject } }'
const everything = `{
  teams(first: 5) { nodes { name members { user } costCenter ${lists} } }
  budgets { totalCount nodes { name ledger(first: 3) { nodes { amount } } versions(first: 3) { nodes { spec } } } }
  requests { nodes { id } } resources { nodes { id } } events { nodes { subject } }
  serviceAccounts { nodes { name team { name } tokens { nodes { id prefix } } } } trusts { nodes { name } }
}`
const secrets = [first, waiting, resource, 'hidden', 'red-purse', 'vic@example.com', 'red-bot', 'red-jobs', 'psr_', 'tok_']

describe('a stranger', () => {
  test('reaches nothing of a team through anything', async () => {
    const answer = await graphql(everything, { as: 'zed@example.com' })

    expect(answer.errors).toEqual([])
    expect(secrets.filter((secret) => answer.text.includes(secret))).toEqual([])
    expect(answer.data).toMatchObject({ budgets: { totalCount: 0, nodes: [] } })
  })

  test.each([
    ['request', first],
    ['request', waiting],
    ['resource', resource],
  ])('cannot tell that %s from one that never was', async (noun, id) => {
    const absent = id.replace(/.{5}$/, '00000')
    const [hidden, missing] = [id, absent].map(async (each) =>
      graphql(`{ ${noun}(id: "${each}") { id team { name } events { nodes { type } } } node(id: "${each}") { id } }`, {
        as: 'zed@example.com',
      }),
    )

    expect((await hidden)?.text.replaceAll(id, absent)).toBe((await missing)?.text)
    expect((await hidden)?.data).toEqual({ [noun]: null, node: null })
  })

  test('finds no node that is not for them, and those that are for everybody', async () => {
    const ids = [
      first,
      resource,
      'budget:red-purse',
      'budget:all',
      'team:red',
      'blueprint:box@1.0.0',
      'policy:boxes',
      'environment:lab',
      'team:absent',
      'x',
      '',
    ]
    const answer = await graphql(`{ ${ids.map((id, i) => `n${i}: node(id: ${JSON.stringify(id)}) { id __typename }`).join(' ')} }`, {
      as: 'zed@example.com',
    })

    expect(Object.values(answer.data ?? {}).map((node) => (isObject(node) ? node['__typename'] : null))).toEqual([
      null,
      null,
      null,
      null,
      'Team',
      'Blueprint',
      'Policy',
      'Environment',
      null,
      null,
      null,
    ])
  })
})

describe('whoever may approve a request', () => {
  test('reads it with its files and its log, and nothing else of that team', async () => {
    const answer = await graphql(
      `{ request(id: "${waiting}") {
        reason plan { files { content previous } } events { nodes { type } } diff requester { subject }
        changes { resource { name resource { id } } }
        budgets { name limit fits budget { name } }
        team { name members { user } ${lists} }
      } }`,
      { as: 'bob@example.com' },
    )

    expect(answer.errors).toEqual([])
    expect(answer.data).toMatchObject({
      request: {
        plan: { files: [{ content: expect.stringContaining('u600'), previous: expect.stringContaining('u1') }] },
        events: { nodes: [{ type: 'dev.purser.request.submitted.v1' }] },
        diff: expect.stringContaining('+'),
        changes: [{ resource: { name: 'hidden', resource: null } }],
        budgets: [
          { name: 'red-purse', limit: null, fits: true, budget: null },
          { name: 'all', limit: null, fits: true, budget: null },
        ],
        team: {
          name: 'red',
          members: null,
          resources: { nodes: [] },
          requests: { nodes: [] },
          budgets: { totalCount: 0, nodes: [] },
          events: { nodes: [] },
        },
      },
    })
  })

  test('finds it in that team’s list where that list is of what waits', async () => {
    const answer = await graphql('{ team(name: "red") { requests(state: PENDING_APPROVAL) { nodes { id } } } }', { as: 'bob@example.com' })

    expect(answer.data).toEqual({ team: { requests: { nodes: [{ id: waiting }] } } })
  })
})

test('whoever changed something sees it changed in the same operation', async () => {
  const answer = await graphql(`
    mutation {
      before: putTeam(
        input: {
          name: "fresh"
          document: { apiVersion: "purser.dev/v1", kind: "Team", metadata: { name: "fresh", title: "One" }, spec: {} }
        }
      ) {
        created
        team {
          title
          members {
            user
          }
          versions {
            nodes {
              metadata {
                revision
              }
            }
          }
        }
      }
      after: putTeam(
        input: {
          name: "fresh"
          document: { apiVersion: "purser.dev/v1", kind: "Team", metadata: { name: "fresh", title: "Two" }, spec: {} }
        }
      ) {
        created
        team {
          title
          versions {
            nodes {
              metadata {
                revision
              }
            }
          }
        }
      }
    }
  `)

  expect(answer.data).toEqual({
    before: { created: true, team: { title: 'One', members: [], versions: { nodes: [{ metadata: { revision: 1 } }] } } },
    after: { created: false, team: { title: 'Two', versions: { nodes: [{ metadata: { revision: 2 } }, { metadata: { revision: 1 } }] } } },
  })
})

test('what was asked in one face is the same request in the other, under the same key', async () => {
  const input = {
    team: 'red',
    environment: 'lab',
    changes: [{ action: 'create', blueprint: 'box', name: 'keyed', parameters: { units: 1 } }],
  }
  const there = await rest('POST', '/v1/requests', input, { as: 'ann@example.com', headers: { 'idempotency-key': '"once"' } })
  const here = await graphql('mutation($input: SubmitRequestInput!) { submitRequest(input: $input) { replayed request { id state } } }', {
    as: 'ann@example.com',
    // Null is as good as nothing.
    variables: {
      input: {
        ...input,
        reason: null,
        idempotencyKey: 'once',
        changes: input.changes.map((each) => ({ ...each, action: 'CREATE', ttl: null })),
      },
    },
  })

  expect(there.status).toBe(202)
  expect(here.data).toEqual({ submitRequest: { replayed: true, request: { id: (there.body as { id: string }).id, state: 'QUEUED' } } })
})
