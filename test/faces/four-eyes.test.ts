import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import { openTokenSigner } from '../../src/adapters/issuer/purser-tokens.ts'
import { idToUuid, parseId } from '../../src/core/ids.ts'
import { isObject, type JsonObject } from '../../src/core/json.ts'
import { readPerson, seePerson } from '../../src/store/principals.ts'
import { boxes } from '../support/house.ts'
import { startIssuer } from '../support/issuer.ts'
import { textOf } from '../support/text-of.ts'
import { openGraphqlHouse } from './graphql/graphql-house.ts'

/**
 * L4 through every path: whoever had a part in asking, however indirectly, cannot approve, in either face and whatever the
 * database is told; although every one of them is an approver of the team that is asked.
 */
const issuer = await startIssuer()
afterAll(() => issuer.stop())
const quiet = { warn: () => undefined, info: () => undefined }
const issuers = openIssuers({ configured: [issuer.url], audience: 'purser', emailDomains: new Map(), log: quiet })
afterAll(() => issuers.close())
const signer = openTokenSigner(['a key of thirty-two characters, at least'])
const administrators = ['minter@example.com', 'maker@example.com', 'author@example.com']
const both = await openGraphqlHouse({ believed: { issuers, tokenSigner: signer, platformRoles: { administrators, auditors: [] } } })
const { house } = both
const { pool } = house.context.database
const sessions = { application: await connect(house.urls.appUrl), owner: await connect(house.urls.ownerUrl) }

const approvers = ['minter', 'maker', 'author', 'ove', 'gil', 'late', 'ann', 'cara-new', 'two', 'bob', 'bea']
const blue = approvers.map((name) => `{ user: ${name}@example.com, role: approver }`).join(', ')
const red = (more = '') =>
  `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: red }, spec: { members: [{ user: ove@example.com, role: owner }, { group: red-owners, role: owner }, { group: red-devs, role: developer }, { user: ann@example.com, role: developer }, { user: cara@example.com, role: developer }${more}] } }`
const trust: JsonObject = {
  apiVersion: 'purser.dev/v1',
  kind: 'Trust',
  metadata: { name: 'deploy' },
  spec: { issuer: 'https://ci.example.com', audience: 'purser', when: "claims.sub == 'deploy'", serviceAccount: 'red-ci' },
}
await house.apply(boxes)
await house.apply(`${red()}\n---\n{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: blue }, spec: { members: [${blue}] } }`)

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  afterAll(() => client.end())
  return client
}

const people = new Map<string, Promise<string>>()
/** The token of somebody who signed in; `groups` and e-mail are what the issuer says of them. */
function tokenOf(login: string, claims: Record<string, unknown> = {}): Promise<string> {
  let token = people.get(login)
  if (token === undefined) people.set(login, (token = issuer.token(login, claims)))
  return token
}

async function sent(login: string, method: 'POST' | 'PUT', path: string, body: JsonObject): Promise<JsonObject> {
  const answer = await both.rest(method, path, body, { token: await tokenOf(login) })
  if (answer.status >= 300 || !isObject(answer.body)) throw new Error(answer.text)
  return answer.body as JsonObject // It came as JSON.
}

async function mint(login: string, account: string, more: JsonObject = {}): Promise<string> {
  const body = { scopes: ['read', 'requests:write'], expiresIn: 3_600, ...more }
  return textOf((await sent(login, 'POST', `/v1/service-accounts/${account}/tokens`, body))['token'])
}

await sent('maker', 'POST', '/v1/service-accounts', { name: 'red-ci', team: 'red' })
await sent('maker', 'POST', '/v1/service-accounts', { name: 'chat', team: 'grey' })
await sent('author', 'PUT', '/v1/trusts/deploy', trust)
await both.rest('GET', '/v1/me', undefined, { token: await tokenOf('gil', { groups: ['red-owners'] }) })
const ciToken = await mint('minter', 'red-ci')
const botToken = await mint('minter', 'chat', {
  scopes: ['read', 'requests:write', 'approvals:write', 'impersonate'],
  impersonateTeams: ['*'],
})
const jobToken = await signer.sign({
  id: 'job-1',
  serviceAccount: 'red-ci',
  trust: 'deploy',
  trustRevision: 1,
  scopes: ['read', 'requests:write'],
  expiresAt: new Date(Date.now() + 600_000),
})

type Asked = { readonly id: string; readonly planDigest: string }
let serial = 0

async function ask(token: string, as?: string): Promise<Asked> {
  const body = {
    team: 'red',
    environment: 'lab',
    changes: [{ action: 'create', blueprint: 'box', name: `x${++serial}`, parameters: { units: 600 } }],
  }
  const answer = await both.rest('POST', '/v1/requests', body, { token, ...(as === undefined ? {} : { as }) })
  if (answer.status !== 202 || !isObject(answer.body)) throw new Error(answer.text)
  return { id: textOf(answer.body['id']), planDigest: textOf((answer.body['plan'] as JsonObject)['digest']) }
}

/** What each face and the database say to an approval by somebody. */
async function tried({ id, planDigest }: Asked, token: string, principal: string, as?: string): Promise<Record<string, unknown>> {
  const who = { token, ...(as === undefined ? {} : { as }) }
  const graph = await both.graphql('mutation($input: ApproveRequestInput!) { approveRequest(input: $input) { request { state } } }', {
    ...who,
    variables: { input: { id, planDigest } },
  })
  return {
    rest: await voteOver({ id, planDigest }, token, as),
    graphql: graph.errors[0]?.extensions.code ?? 'done',
    ...(await inDatabase({ id, planDigest }, principal)),
  }
}

/** The state that it is in after an approval over REST, or the code of the refusal. */
async function voteOver({ id, planDigest }: Asked, token: string, as?: string): Promise<unknown> {
  const vote = await both.rest('POST', `/v1/requests/${id}/approve`, { planDigest }, { token, ...(as === undefined ? {} : { as }) })
  return isObject(vote.body) ? (vote.body['code'] ?? vote.body['state']) : vote.text
}

async function inDatabase({ id, planDigest }: Asked, principal: string): Promise<Record<string, unknown>> {
  const request = idToUuid(parseId('request', id) ?? unknown(id))
  const insert = `insert into approval (request_id, principal_id, vote, plan_digest, satisfies) values ('${request}', '${principal}', 'approve', '${planDigest}', '{0}')`
  const { revision } = await house.context.platform()
  // As a wrong application would: it says that the voter satisfies whatever there is.
  const vote = {
    request,
    principal,
    actor: { subject: 'x', kind: 'person', via: null },
    vote: 'approve',
    planDigest,
    platformRevision: Number(revision),
    seen: 0,
    satisfies: { [principal]: [0] },
  }
  const { rows } = await sessions.application.query<{ answer: { outcome: string } }>('select vote($1::jsonb) as answer', [
    JSON.stringify(vote),
  ])
  return { application: await stateOf('application', insert), lie: rows[0]?.answer.outcome, owner: await stateOf('owner', insert) }
}

function unknown(id: string): never {
  throw new Error(id)
}

async function stateOf(who: keyof typeof sessions, sql: string): Promise<string | null> {
  try {
    await sessions[who].query('begin')
    await sessions[who].query(sql)
    return null
  } catch (error) {
    return error instanceof pg.DatabaseError ? (error.code ?? '') : String(error)
  } finally {
    await sessions[who].query('rollback')
  }
}

const refused = { rest: 'own-request', graphql: 'own-request', application: '42501', lie: 'own-request', owner: 'PU004' }

async function principalOf(email: string): Promise<string> {
  return (await readPerson(pool, email, 0))?.principal ?? unknown(email)
}

/** Who asks, and who then tries: everyone is an approver of blue. */
type Path = readonly [who: string, asking: () => Promise<Asked>, login: string, claims?: Record<string, unknown>]
const paths: readonly Path[] = [
  ['who minted the token', () => ask(ciToken), 'minter'],
  ['who made the service account', () => ask(ciToken), 'maker'],
  ["who owns the account's team, by e-mail, and was never seen before", () => ask(ciToken), 'ove'],
  ["who owns the account's team, by group", () => ask(ciToken), 'gil', { groups: ['red-owners'] }],
  ['who made the service account of a job', () => ask(jobToken), 'maker'],
  ['who owns the team of the account of a job', () => ask(jobToken), 'ove'],
  ['who wrote the trust that let the job in', () => ask(jobToken), 'author'],
  ['the person for whom a bot asked', () => ask(botToken, 'ann@example.com'), 'ann'],
  ["who minted the bot's token", () => ask(botToken, 'ann@example.com'), 'minter'],
  ['who made the bot', () => ask(botToken, 'ann@example.com'), 'maker'],
  ['who asked', async () => ask(await tokenOf('ann')), 'ann'],
]

describe('nobody approves what they had a part in', () => {
  test.each(paths.map(([who, ...path]) => ({ who, path })))('not $who', async ({ path: [asking, login, claims] }) => {
    const asked = await asking()
    expect(await tried(asked, await tokenOf(login, claims), await principalOf(`${login}@example.com`))).toEqual(refused)

    // Somebody without a part can.
    expect(await voteOver(asked, await tokenOf('bob'))).toBe('queued')
  })

  test('not the same human whose e-mail has changed since', async () => {
    const asked = await ask(await issuer.token('cara'))
    const now = await issuer.token('cara', { email: 'cara-new@example.com' })
    // First sight of the new e-mail is this very vote.
    await both.rest('GET', '/v1/me', undefined, { token: now })

    expect(await tried(asked, now, await principalOf('cara-new@example.com'))).toEqual(refused)
  })

  test('not the same human who had no verified e-mail when they asked', async () => {
    const asked = await ask(await issuer.token('two', { email_verified: false, groups: ['red-devs'] }))
    const now = await issuer.token('two')
    await both.rest('GET', '/v1/me', undefined, { token: now })

    expect(await tried(asked, now, await principalOf('two@example.com'))).toEqual(refused)
  })

  test('not the same human by way of another issuer that vouches for the same e-mail, or of a bot', async () => {
    const asked = await ask(await tokenOf('ann'))
    const elsewhere = await seePerson(pool, { issuer: 'https://other.example.com', subject: '77', email: 'ann@example.com', groups: [] })

    expect(elsewhere).toBe(await principalOf('ann@example.com'))
    expect(await tried(asked, botToken, elsewhere, 'ann@example.com')).toEqual(refused)
  })

  test('not who became an owner of the team of the account since it asked', async () => {
    const asked = await ask(ciToken)
    await house.apply(red(', { user: late@example.com, role: owner }'))

    expect(await voteOver(asked, await tokenOf('late'))).toBe('own-request')
    await house.apply(red())
  })

  test('two principals of one human are one approval, where two are needed', async () => {
    const body = {
      team: 'red',
      environment: 'lab',
      changes: [{ action: 'create', blueprint: 'box', name: `x${++serial}`, parameters: { units: 700 } }],
    }
    const asked = (await both.rest('POST', '/v1/requests', body, { token: ciToken })).body as JsonObject
    const planDigest = textOf((asked['plan'] as JsonObject)['digest'])
    const approve = async (token: string) =>
      (await both.rest('POST', `/v1/requests/${textOf(asked['id'])}/approve`, { planDigest }, { token })).body
    const first = await approve(await issuer.token('bea'))
    // Bob's e-mail, at the account that was Bea's.
    const second = await approve(await issuer.token('bea', { email: 'bob@example.com' }))

    expect(first).toMatchObject({ state: 'pending_approval', decision: { approvals: [{ given: 1 }, { given: 1 }] } })
    expect(second).toMatchObject({ state: 'pending_approval', decision: { approvals: [{ given: 1 }, { given: 1 }] } })
  })
})

test('a request names the token that was shown', async () => {
  const asked = await ask(ciToken)
  const tokens = (await both.rest('GET', '/v1/service-accounts/red-ci/tokens')).body as { items: { id: string }[] }
  const events = (await both.rest('GET', `/v1/events?subject=${asked.id}`)).body as {
    items: { type: string; data: JsonObject; actor: JsonObject }[]
  }

  expect(events.items).toMatchObject([{ type: 'dev.purser.request.submitted.v1', data: { credential: tokens.items[0]?.id } }])
  expect(events.items[0]?.actor).toEqual({ subject: 'red-ci', kind: 'service-account', via: null })
  expect((await both.rest('GET', '/v1/me', undefined, { token: jobToken })).body).toMatchObject({
    subject: 'red-ci',
    teams: [{ name: 'red', role: 'developer' }],
    credential: { kind: 'purser-token', id: 'trust/deploy' },
  })
})
