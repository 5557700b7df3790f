import { isObject, type JsonObject } from '../../../src/core/json.ts'
import { enumName } from '../../../src/faces/graphql/enum-words.ts'
import { setBranchState } from '../../../src/store/deliveries.ts'
import { at } from '../../support/api.ts'
import { claim, commitAll, failClaimed, theBranch } from '../../support/delivery.ts'
import { boxes, budget } from '../../support/house.ts'
import { kindOf, resourceDefinition } from '../../support/resource-definition.ts'
import { textOf } from '../../support/text-of.ts'
import type { GraphqlHouse, RestAsk } from './graphql-house.ts'

/** A platform with a bit of everything on it, and what the rows of the parity table need to make something new of their own. */
export type World = {
  readonly waiting: string
  readonly denied: string
  readonly committed: string
  readonly failed: string
  readonly resource: string
  /** Of a page of requests, for everybody. */
  readonly cursor: string
  fresh(): string
  /** A submission of team red in the lab, for a box of so many units. */
  asked(units: number, name?: string): JsonObject
  /** The same as an input of GraphQL. */
  inGraph(body: JsonObject): JsonObject
  submitted(body: JsonObject, key?: string): Promise<JsonObject>
  pending(units: number): Promise<{ readonly id: string; readonly planDigest: string }>
  cancelled(id: string): Promise<void>
  rejected(): Promise<string>
  document(kind: string, name?: string): JsonObject
  stored(kind: string, name: string): Promise<void>
  heldBranch(): Promise<JsonObject>
  /** A service account of red, by its name. */
  account(name?: string): Promise<string>
  /** A token of a service account, by its id. */
  token(account: string): Promise<string>
  /** A kind of things.example.com that plans are judged by. */
  readonly kind: string
  knownKind(plural: string): Promise<string>
}

const odd = `
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: odd }
spec:
  version: 1.0.0
  parameters: { type: object, required: [name], properties: { name: { type: string } } }
  price: free
  manifests: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: '\${parameters.name}', namespace: '\${environment.namespace}' } }]
`
const deploy = `{ apiVersion: purser.dev/v1, kind: Trust, metadata: { name: deploy }, spec: { issuer: 'https://ci.example.com', audience: purser, when: "claims.sub == 'deploy'", serviceAccount: red-ci } }`
const shop = `{ apiVersion: purser.dev/v1, kind: Service, metadata: { name: shop, title: Shop, tags: [node] }, spec: { owner: red } }`

export async function openWorld({ house, rest }: GraphqlHouse): Promise<World> {
  const { pool } = house.context.database
  await house.apply(
    [
      boxes,
      odd,
      shop,
      budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '1000000.00' }"),
      budget('all', "{ limit: '9000000.00' }"),
      budget('vault', "{ scope: { environment: vault }, limit: '10.00' }"),
    ].join('\n---\n'),
  )
  let count = 100
  const fresh = () => `n${(count += 1)}`
  const ann: RestAsk = { as: 'ann@example.com' }

  async function ask(path: string, body: JsonObject | undefined, options: RestAsk): Promise<JsonObject> {
    const answer = await rest('POST', path, body, options)
    if (answer.status >= 300 || !isObject(answer.body)) throw new Error(answer.text)
    return answer.body as JsonObject // It came as JSON.
  }
  const asked = (units: number, name = fresh()): JsonObject => ({
    team: 'red',
    environment: 'lab',
    changes: [{ action: 'create', blueprint: 'box', name, parameters: { units } }],
  })
  const submitted = (body: JsonObject, key?: string) =>
    ask('/v1/requests', body, { ...ann, headers: key === undefined ? {} : { 'idempotency-key': key } })
  async function pending(units: number) {
    const request = await submitted(asked(units))
    return { id: idOf(request), planDigest: textOf(at({ body: request }, 'plan.digest')) }
  }
  async function rejected(): Promise<string> {
    const { id } = await pending(600)
    await ask(`/v1/requests/${id}/reject`, { comment: 'No' }, { as: 'bob@example.com' })
    return id
  }

  const live = await submitted(asked(1, 'live'))
  await submitted({
    team: 'red',
    environment: 'lab',
    changes: [{ action: 'create', blueprint: 'odd', name: 'owner-of-x', parameters: { name: 'x' } }],
  })
  await commitAll(pool)
  const failing = await submitted(asked(2))
  await claim(pool)
  if (!(await failClaimed(pool, idOf(failing)))) throw new Error('it did not fail')
  const refused = await rest('POST', '/v1/requests', asked(13), ann)
  const waiting = await submitted(asked(600, 'waiting'))
  const page = await rest('GET', '/v1/requests?first=1')

  const documents: Readonly<Record<string, (name: string) => JsonObject>> = {
    Team: () => ({ members: [{ user: 'zed@example.com', role: 'owner' }], contact: { slack: '#new' }, costCenter: '1' }),
    Environment: (name) => ({ gitops: { path: `${name}/\${team.name}` }, namespace: `\${team.name}-${name}`, order: 3 }),
    Blueprint: () => ({
      version: '1.0.0',
      parameters: { type: 'object', properties: {} },
      price: 'free',
      manifests: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '${resource.name}', namespace: '${environment.namespace}' } }],
    }),
    Policy: () => ({ match: { blueprints: ['nothing'] }, rules: [{ name: 'no', when: 'false', effect: 'deny' }] }),
    Budget: () => ({ scope: { team: 'grey' }, limit: '100.00' }),
    Service: () => ({ owner: 'red' }),
    Trust: () => ({ issuer: 'https://ci.example.com', audience: 'purser', when: "claims.sub == 'deploy'", serviceAccount: 'red-ci' }),
  }
  const document = (kind: string, name = fresh()): JsonObject => ({
    apiVersion: 'purser.dev/v1',
    kind,
    metadata: { name, title: 'New' },
    spec: documents[kind]?.(name) ?? {},
  })

  async function account(name = fresh()): Promise<string> {
    await ask('/v1/service-accounts', { name, team: 'red' }, {})
    return name
  }
  async function token(of: string): Promise<string> {
    return idOf(await ask(`/v1/service-accounts/${of}/tokens`, { scopes: ['read'], expiresIn: 60 }, {}))
  }
  async function knownKind(plural: string): Promise<string> {
    await ask('/v1/schemas', { documents: [resourceDefinition(plural)] }, {})
    return kindOf(plural)
  }
  await token(await account('red-bot'))
  await account('red-ci')
  await house.apply(deploy)

  return {
    account,
    token,
    kind: await knownKind('standing'),
    knownKind,
    waiting: idOf(waiting),
    denied: textOf((refused.body as JsonObject)['requestId']),
    committed: idOf(live),
    failed: idOf(failing),
    resource: textOf(at({ body: live }, 'changes.0.resource.id')),
    cursor: textOf(at({ body: page.body as JsonObject }, 'pageInfo.endCursor')),
    fresh,
    asked,
    inGraph: (body) => ({
      ...body,
      changes: (body['changes'] as readonly JsonObject[]).map((each) => ({ ...each, action: enumName(textOf(each['action'])) })),
    }),
    submitted,
    pending,
    rejected,
    async cancelled(id) {
      await ask(`/v1/requests/${id}/cancel`, undefined, ann)
    },
    document,
    async stored(kind, name) {
      await house.apply(JSON.stringify(document(kind, name)))
    },
    async heldBranch() {
      const held = await theBranch(pool)
      await setBranchState(pool, held, 'history-rewritten', 'somebody pushed by force')
      return { repository: held.repository, branch: held.branch, head: 'a'.repeat(40) }
    },
  }
}

function idOf({ id }: JsonObject): string {
  if (typeof id !== 'string') throw new Error('no id')
  return id
}
