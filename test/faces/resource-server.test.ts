import { afterAll, describe, expect, test } from 'vitest'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import { readPerson } from '../../src/store/principals.ts'
import { at, outcomeOf, type Answer } from '../support/api.ts'
import { boxes } from '../support/house.ts'
import { startIssuer } from '../support/issuer.ts'
import { openServer } from '../support/server.ts'

/** People of two real issuers, over HTTP. The clock that keys grow old by is the test's. */
const [id, partner] = await Promise.all([startIssuer(), startIssuer()])
let time = Date.now()
const quiet = { info: () => undefined, warn: () => undefined }
const configured = [id.url, partner.url]
const issuers = openIssuers({ configured, audience: 'purser', emailDomains: new Map(), log: quiet, now: () => time })
const server = await openServer({ issuers, platformRoles: { administrators: [], auditors: ['group:auditors'] } })
await server.house.apply(boxes)
await server.house.apply(
  '{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: teal }, spec: { members: [{ group: teal-devs, role: developer }] } }',
)
afterAll(async () => {
  issuers.close()
  await Promise.all([id.stop().catch(() => undefined), partner.stop()])
})

const { pool } = server.house.context.database
const me = (token: string): Promise<Answer> => server.api('GET', '/v1/me', undefined, { token })
const plan = (token: string, team: string): Promise<Answer> =>
  server.api(
    'POST',
    '/v1/plans',
    { team, environment: 'lab', reason: 'test', changes: [{ action: 'create', blueprint: 'box', name: 'one', parameters: { units: 1 } }] },
    { token },
  )

describe('whoever signs in', () => {
  test('is known from first sight on, also by reading', async () => {
    expect(await readPerson(pool, 'new@example.com', 0)).toBeNull()
    const { access_token: token } = await id.signIn('new')

    expect(await me(token)).toMatchObject({
      status: 200,
      body: {
        subject: 'new@example.com',
        kind: 'person',
        email: 'new@example.com',
        platformRoles: [],
        scopes: ['read', 'requests:write', 'approvals:write', 'platform:write', 'audit:read'],
        credential: { kind: 'oidc', id: null },
        teams: [],
      },
    })
    expect(await readPerson(pool, 'new@example.com', 0)).not.toBeNull()
  })

  test('has the roles of their e-mail and of their groups', async () => {
    const [ann, tess] = [await id.token('ann'), await id.token('tess', { groups: ['teal-devs', 'auditors'] })]

    expect(at(await me(ann), 'teams')).toEqual([
      { name: 'blue', role: 'approver' },
      { name: 'red', role: 'developer' },
    ])
    expect((await me(tess)).body).toMatchObject({ teams: [{ name: 'teal', role: 'developer' }], platformRoles: ['auditor'] })
    expect([await plan(ann, 'red'), await plan(ann, 'teal'), await plan(tess, 'teal')].map(outcomeOf)).toEqual([
      '200',
      '403 forbidden',
      '200',
    ])
  })

  test('is somebody else at another issuer under the same name, and the same with the same verified e-mail', async () => {
    const nameless = { email: null }
    const tokens = [
      await id.token('sam', nameless),
      await partner.token('sam', nameless),
      await id.token('a1', { email: 'sam@example.com' }),
      await partner.token('b2', { email: 'SAM@example.com' }),
    ]

    const subjects = (await Promise.all(tokens.map(me))).map((answer) => at(answer, 'subject'))
    expect(subjects).toEqual([`${id.url}#sam`, `${partner.url}#sam`, 'sam@example.com', 'sam@example.com'])
    const principals = await Promise.all(subjects.map((subject) => readPerson(pool, String(subject), 0)))
    expect(new Set(principals.map((person) => person?.principal)).size).toBe(3)
    expect(principals).not.toContain(null)
  })
})

test('an issuer that is away keeps nobody out whose key is known; another waits, and is told how long', async () => {
  const [seen, known] = [await id.token('ann'), await id.token('ann')]
  expect((await me(seen)).status).toBe(200)
  await id.rotate()
  const unknown = await id.token('amy')
  await id.stop()

  time += 11_000
  const waiting = await me(unknown)
  expect([waiting.status, at(waiting, 'code'), waiting.headers.get('retry-after')]).toEqual([503, 'unavailable', '10'])
  expect((await me(known)).status).toBe(200)

  await id.start()
  time += 11_000
  expect(await me(unknown)).toMatchObject({ status: 200, body: { subject: 'amy@example.com' } })
})
