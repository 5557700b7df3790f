import { describe, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { encodeCursor } from '../../src/operations/page.ts'
import { at, itemsOf, textAt, type Answer, type AskOptions } from '../support/api.ts'
import { commitAll } from '../support/delivery.ts'
import { boxes, budget, create } from '../support/house.ts'
import { openServer } from '../support/server.ts'
import { signedIn, vouching } from '../support/vouching.ts'

/** L11: what a caller has no role in is answered as what is not there, byte for byte. Team red has things; grey may not know. */

const { api, house } = await openServer({ issuers: vouching })
await house.apply(
  [boxes, budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '5000.00' }"), budget('all', "{ limit: '10000.00' }")].join(
    '\n---\n',
  ),
)
const ann = { as: 'ann@example.com' }
/** Owns a team, asked for by a bot or with every scope a person has; is in no team. */
const outsiders: Readonly<Record<string, AskOptions>> = {
  'the owner of another team': { as: 'zed@example.com' },
  'the owner of another team, signed in': { token: signedIn('zed@example.com') },
  'a person whom nobody lists': { as: 'sue@example.com' },
  'a person whom nobody lists, signed in': { token: signedIn('sue@example.com') },
}
const bob = { as: 'bob@example.com' }

const committed = await submit('red', 'thing', 5)
await commitAll(house.context.database.pool)
const pending = await submit('red', 'large', 600)
const small = await submit('red', 'small', 7)
const ids = {
  request: textAt(pending, 'id'),
  resource: textAt(committed, 'changes.0.resource.id'),
  planDigest: textAt(pending, 'plan.digest'),
}
const absent = {
  request: newId('request'),
  resource: newId('resource'),
  budget: 'no-such-budget',
  team: 'no-such-team',
  account: 'no-such-account',
  trust: 'no-such-trust',
  token: newId('token'),
}
await api('POST', '/v1/service-accounts', { name: 'red-bot', team: 'red', description: 'secret-purpose' })
const token = textAt(await api('POST', '/v1/service-accounts/red-bot/tokens', { scopes: ['read'], expiresIn: 600 }), 'id')
await house.apply(
  "{ apiVersion: purser.dev/v1, kind: Trust, metadata: { name: red-jobs }, spec: { issuer: 'https://ci.example.com', audience: purser, when: \"claims.sub == 'deploy'\", serviceAccount: red-bot } }",
)
/** What takes a scope that only they have who are signed in; to others it is forbidden by the same bytes. */
const platformWrites = [
  { route: 'DELETE /v1/service-accounts/ID', there: 'red-bot', absent: absent.account },
  { route: `DELETE /v1/service-accounts/ID/tokens/${token}`, there: 'red-bot', absent: absent.account },
  {
    route: 'POST /v1/service-accounts/ID/tokens',
    there: 'red-bot',
    absent: absent.account,
    body: { scopes: ['read'], expiresIn: 600 } as JsonObject,
  },
]

async function submit(team: string, name: string, units: number): Promise<Answer> {
  const answer = await api('POST', '/v1/requests', body(team, create(name, units)), ann)
  if (answer.status !== 202) throw new Error(answer.text)
  return answer
}

function body(team: string, ...changes: object[]): JsonObject {
  return { team, environment: 'lab', changes } as unknown as JsonObject // Changes are JSON.
}

/** All that an answer is, but for what names it and when it was. */
function bytes({ status, headers, text }: Answer): object {
  return { status, text, headers: [...headers].filter(([name]) => !['x-request-id', 'date', 'keep-alive'].includes(name)) }
}

const things: readonly { readonly route: string; readonly there: string; readonly absent: string; readonly body?: JsonObject }[] = [
  ...['', '/files', '/diff', '/events'].map((more) => ({
    route: `GET /v1/requests/ID${more}`,
    there: ids.request,
    absent: absent.request,
  })),
  ...[
    { verb: 'approve', body: { planDigest: ids.planDigest } },
    { verb: 'approve', body: { planDigest: 'sha256:another' } },
    { verb: 'reject', body: { comment: 'No' } },
    { verb: 'cancel', body: {} },
    { verb: 'retry', body: {} },
  ].map(({ verb, body }) => ({ route: `POST /v1/requests/ID/${verb}`, there: ids.request, absent: absent.request, body })),
  ...['', '/history'].map((more) => ({ route: `GET /v1/resources/ID${more}`, there: ids.resource, absent: absent.resource })),
  // Teams are no secret, and what happens in them is.
  { route: 'GET /v1/teams/ID/events', there: 'red', absent: absent.team },
  ...['', '/versions', '/ledger'].flatMap((more) =>
    ['red-lab', 'all'].map((there) => ({ route: `GET /v1/budgets/ID${more}`, there, absent: absent.budget })),
  ),
  ...['', '/tokens'].map((more) => ({ route: `GET /v1/service-accounts/ID${more}`, there: 'red-bot', absent: absent.account })),
  // Who may be whom helps nobody else but who wants to be it.
  ...['', '/versions'].map((more) => ({ route: `GET /v1/trusts/ID${more}`, there: 'red-jobs', absent: absent.trust })),
]

/** None of them is the id or name of anything. */
const malformed = [
  'x',
  'REQ_01h455vb4pex5vsknk084sn02q',
  'req_01h455vb4pex5vsknk084sn02q0',
  'req_81h455vb4pex5vsknk084sn02q',
  ids.request.toUpperCase(),
  ids.request.replace('req_', 'res_'),
  ids.resource,
  ids.request.slice(0, -1),
  `${ids.request}%20`,
  '00000000-0000-0000-0000-000000000000',
  '%00',
  '%ff',
  '%F0%9F%92%B8',
  "'%20or%20true--",
  '..%2f..%2fetc%2fpasswd',
  '__proto__',
  'constructor',
  'a'.repeat(150),
  'a'.repeat(5_000),
]

describe.each(Object.entries(outsiders))('to %s', (_, who) => {
  test.each(things)('$route: $there is as absent as $absent', async ({ route, there, absent, body }) => {
    const [method = '', path = ''] = route.split(' ')

    const [hidden, missing] = [
      await api(method, path.replace('ID', there), body, who),
      await api(method, path.replace('ID', absent), body, who),
    ]

    expect(bytes(hidden)).toEqual(bytes(missing))
    expect(JSON.parse(hidden.text)).toEqual({
      type: 'https://purser.dev/problems/not-found',
      title: 'Not found',
      status: 404,
      code: 'not-found',
    })
  })

  test.each(things.filter(({ route }) => route.startsWith('GET')))('HEAD of $route tells no more', async ({ route, there, absent }) => {
    const path = route.slice(4)

    const [hidden, missing] = [
      await api('HEAD', path.replace('ID', there), undefined, who),
      await api('HEAD', path.replace('ID', absent), undefined, who),
    ]

    expect(bytes(hidden)).toEqual(bytes(missing))
    expect(hidden.status).toBe(404)
  })

  test.each(things)('$route answers malformed ids by the same bytes', async ({ route, absent, body }) => {
    const [method = '', path = ''] = route.split(' ')
    const missing = await api(method, path.replace('ID', absent), body, who)

    for (const id of malformed) {
      const answer = await api(method, path.replace('ID', id), body, who)
      expect({ id, status: answer.status, text: answer.text }).toEqual({ id, status: 404, text: missing.text })
    }
  })

  test.each(platformWrites)('$route: $there is as absent as $absent', async ({ route, there, absent, body }) => {
    const [method = '', path = ''] = route.split(' ')

    const [hidden, missing] = [
      await api(method, path.replace('ID', there), body, who),
      await api(method, path.replace('ID', absent), body, who),
    ]

    expect(bytes(hidden)).toEqual(bytes(missing))
    expect(hidden.status).toBe(who.token === undefined ? 403 : 404)
  })

  test('what is wrong with a body is told without a look at the thing', async () => {
    for (const verb of ['approve', 'reject', 'cancel', 'retry']) {
      const [hidden, missing] = await Promise.all(
        [ids.request, absent.request].map((id) => api('POST', `/v1/requests/${id}/${verb}`, { no: 1 }, who)),
      )

      expect(hidden?.status).toBe(422)
      expect(bytes(hidden as Answer)).toEqual(bytes(missing as Answer))
    }
  })

  test.each([
    ['/v1/requests?team=%', 'red', absent.team],
    ['/v1/requests?team=%&state=pending_approval', 'red', absent.team],
    ['/v1/requests?team=%&awaiting=me', 'red', absent.team],
    ['/v1/requests?resource=%', 'thing', 'no-such-thing'],
    ['/v1/requests?resource=%', ids.resource, absent.resource],
    ['/v1/requests?requester=%', 'ann@example.com', 'nobody@example.com'],
    ['/v1/requests?environment=%', 'lab', 'no-such-place'],
    ['/v1/requests?state=%', 'queued', 'expired'],
    ['/v1/requests?after=%', encodeCursor(ids.request), encodeCursor(absent.request)],
    ['/v1/resources?team=%', 'red', absent.team],
    ['/v1/resources?blueprint=%', 'box', 'no-such-blueprint'],
    ['/v1/resources?environment=%', 'lab', 'no-such-place'],
    ['/v1/resources?status=%', 'provisioning', 'degraded'],
    ['/v1/resources?after=%', encodeCursor(ids.resource), encodeCursor(absent.resource)],
    ['/v1/events?team=%', 'red', absent.team],
    ['/v1/events?subject=%', ids.request, absent.request],
    ['/v1/events?subject=%', ids.resource, absent.resource],
    ['/v1/events?subject=%', 'red-lab', absent.budget],
    ['/v1/events?type=%', 'dev.purser.request.submitted.v1', 'dev.purser.request.nothing.v1'],
    ['/v1/budgets?after=%', encodeCursor('red-laa'), encodeCursor('red-lac')],
    ['/v1/service-accounts?team=%', 'red', absent.team],
    ['/v1/service-accounts?after=%', encodeCursor('red-bos'), encodeCursor('red-bou')],
    ['/v1/trusts?after=%', encodeCursor('red-job'), encodeCursor('red-jot')],
    ['/v1/events?subject=%', 'red-bot', absent.account],
    ['/v1/events?subject=%', token, absent.token],
    ['/v1/events?subject=%', 'red-jobs', absent.trust],
    ['/v1/events?subject=%', 'authentication', 'nothing'],
  ])('%s is as empty for %s as for %s', async (path, there, missing) => {
    const [hidden, none] = [
      await api('GET', path.replace('%', there), undefined, who),
      await api('GET', path.replace('%', missing), undefined, who),
    ]

    expect(bytes(hidden)).toEqual(bytes(none))
    expect(hidden.body).toEqual({ items: [], pageInfo: { endCursor: null, hasNextPage: false } })
  })

  test('whoever asks for red is refused by the same bytes, whatever is there', async () => {
    for (const [path, verb] of [
      ['/v1/plans', 'plan'],
      ['/v1/requests', 'submit'],
    ]) {
      const answers = await Promise.all(
        [
          create('thing', 5),
          create('no-such-thing', 5),
          create('new', 13),
          create('new', 100_000),
          { action: 'update', name: 'thing', parameters: { units: 6 } },
          { action: 'update', name: 'no-such-thing', parameters: { units: 6 } },
          { action: 'delete', name: 'large' },
        ].map((change) => api('POST', path ?? '', body('red', change), who)),
      )

      expect(new Set(answers.map((answer) => JSON.stringify(bytes(answer)))).size).toBe(1)
      expect(answers[0]).toMatchObject({
        status: 403,
        body: { code: 'forbidden', detail: `You have no role in team red; to ${verb} a request takes the role developer.` },
      })
    }
  })

  test.each(['PUT', 'DELETE'])('%s of a budget is refused by the same words whether it is there or not', async (method) => {
    const document = (name: string) =>
      method === 'PUT' ? { apiVersion: 'purser.dev/v1', kind: 'Budget', metadata: { name }, spec: { limit: '1.00' } } : undefined

    const [hidden, missing] = await Promise.all(
      ['red-lab', absent.budget].map((name) => api(method, `/v1/budgets/${name}`, document(name), who)),
    )

    expect(hidden?.status).toBe(403)
    expect(bytes(hidden as Answer)).toEqual(bytes(missing as Answer))
  })

  test('nothing that is answered anywhere names what red has', async () => {
    const lists = [
      'me',
      'requests',
      'requests?awaiting=me',
      'resources',
      'budgets',
      'events',
      'teams',
      'environments',
      'services',
      'gitops/branches',
      'service-accounts',
      'trusts',
      'me/permissions?team=red',
    ]

    const text = (await Promise.all(lists.map((path) => api('GET', `/v1/${path}`, undefined, who)))).map((answer) => answer.text).join('\n')

    for (const secret of [ids.request, ids.resource, 'red-lab', 'thing', '5000.00', 'red-bot', token, 'red-jobs', 'secret-purpose'])
      expect(text).not.toContain(secret)
  })
})

describe('a team of one’s own', () => {
  const zed = { as: 'zed@example.com' }

  test('has names of its own: what red has of that name is neither in the way nor to be found', async () => {
    const update = (name: string) => api('POST', '/v1/plans', body('grey', { action: 'update', name, parameters: { units: 6 } }), zed)

    expect((await api('POST', '/v1/requests', body('grey', create('thing', 1)), zed)).status).toBe(202)
    const [hidden, missing] = [await update('large'), await update('never')]
    expect(hidden.status).toBe(422)
    expect(hidden.text.replaceAll('large', 'NAME')).toBe(missing.text.replaceAll('never', 'NAME'))
  })

  test('does not learn what others spend: of a budget wider than it, only whether it fits and what is missing', async () => {
    const fits = await api('POST', '/v1/plans', body('grey', create('one', 1)), zed)
    const short = await api(
      'POST',
      '/v1/requests',
      body('grey', create('much', 499), ...Array.from({ length: 20 }, (_, i) => create(`m${i}`, 499))),
      zed,
    )

    expect(fits.body['budgets']).toEqual([{ name: 'all', fits: true, shortfall: '0.00' }])
    expect(short.status).toBe(409)
    expect(short.body['budgets']).toEqual([{ name: 'all', fits: false, shortfall: expect.stringMatching(/^\d+\.00$/) }])
  })

  test('that takes over a budget learns nothing of the time before', async () => {
    await house.apply(budget('moving', "{ scope: { team: red }, limit: '777.00' }"))
    const { text } = await submit('red', 'before', 3)
    const before = JSON.parse(text) as { id: string }
    await house.apply(budget('moving', "{ scope: { team: grey }, limit: '888.00' }"))

    const versions = await api('GET', '/v1/budgets/moving/versions', undefined, zed)
    const ledger = await api('GET', '/v1/budgets/moving/ledger', undefined, zed)

    expect(itemsOf(versions).map((v) => at({ body: v }, 'spec.limit'))).toEqual(['888.00'])
    expect(ledger.text).not.toContain(before.id)
    expect((await api('GET', '/v1/budgets/moving', undefined, ann)).status).toBe(404)
  })

  test('shares no Idempotency-Key with another person', async () => {
    const first = await api('POST', '/v1/requests', body('red', create('keyed', 1)), { ...ann, key: 'k' })
    const other = await api('POST', '/v1/requests', body('grey', create('keyed', 1)), { ...zed, key: 'k' })

    expect([first.status, other.status]).toEqual([202, 202])
    expect(other.body['id']).not.toBe(first.body['id'])
    expect(other.headers.get('idempotency-replayed')).toBeNull()
  })
})

describe('whoever may approve a request', () => {
  test('reads it, its plan, its files and its log', async () => {
    const request = await api('GET', `/v1/requests/${ids.request}`, undefined, bob)
    const files = await api('GET', `/v1/requests/${ids.request}/files`, undefined, bob)

    expect(request).toMatchObject({ status: 200, body: { id: ids.request, team: 'red' } })
    expect(files.text).toContain('u600')
    const events = await api('GET', `/v1/requests/${ids.request}/events`, undefined, bob)
    expect(new Set(itemsOf(events).map((event) => event['subject']))).toEqual(new Set([ids.request]))
    expect(itemsOf(await api('GET', '/v1/requests?awaiting=me', undefined, bob)).map((item) => item['id'])).toEqual([ids.request])
  })

  test('sees of its budgets only whether it fits', async () => {
    const request = await api('GET', `/v1/requests/${ids.request}`, undefined, bob)

    expect(new Set(at(request, 'budgets') as JsonObject[])).toEqual(
      new Set([
        { name: 'all', fits: true, shortfall: '0.00' },
        { name: 'red-lab', fits: true, shortfall: '0.00' },
      ]),
    )
  })

  test.each([
    `/v1/requests/${textAt(small, 'id')}`,
    `/v1/requests/${textAt(small, 'id')}/files`,
    `/v1/resources/${ids.resource}`,
    `/v1/resources/${textAt(pending, 'changes.0.resource.id')}`,
    '/v1/budgets/red-lab',
    '/v1/budgets/red-lab/ledger',
  ])('reads nothing else of that team: %s', async (path) => {
    expect(await api('GET', path, undefined, bob)).toMatchObject({ status: 404, body: { code: 'not-found' } })
  })

  test.each(['/v1/requests?team=red', '/v1/resources?team=red', '/v1/events?team=red', `/v1/events?subject=${ids.request}`])(
    'reads nothing else of that team: %s',
    async (path) => {
      expect(itemsOf(await api('GET', path, undefined, bob))).toEqual([])
    },
  )
})

describe('time tells nothing', () => {
  const zed = { token: signedIn('zed@example.com') }
  const { pool } = house.context.database

  /** The statements of one question, in order. */
  async function statementsOf(method: string, path: string, body?: JsonObject): Promise<readonly string[]> {
    const query = pool.query.bind(pool)
    const seen: string[] = []
    const counting = (statement: unknown, ...more: readonly unknown[]) => {
      seen.push(typeof statement === 'string' ? statement : textOf(statement))
      return Reflect.apply(query, pool, [statement, ...more]) as unknown
    }
    Object.assign(pool, { query: counting })
    try {
      await api(method, path, body, zed)
    } finally {
      Object.assign(pool, { query })
    }
    return seen
  }

  function textOf(statement: unknown): string {
    return typeof statement === 'object' && statement !== null && 'text' in statement ? String(statement.text) : ''
  }

  test.each([...things, ...platformWrites])(
    '$route asks the database the same of $there as of $absent',
    async ({ route, there, absent, body }) => {
      const [method = '', path = ''] = route.split(' ')
      const ask = (id: string) => statementsOf(method, path.replace('ID', id), body)
      await ask(there)

      const [hidden, missing] = [await ask(there), await ask(absent)]

      // Teams and budgets of the platform in memory take no statement.
      expect(hidden).toEqual(missing)
    },
  )

  test('and it is asked at all', async () => {
    expect((await statementsOf('GET', `/v1/requests/${ids.request}`)).length).toBeGreaterThan(0)
  })
})
