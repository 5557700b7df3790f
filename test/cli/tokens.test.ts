import { expect, it } from 'vitest'
import { fakeApiPerTest } from './run-cli.ts'

const api = fakeApiPerTest()
const issued = {
  id: 'tok_01jd8m0s6rf1tsg5xk3v9c2h4n',
  prefix: 'psr_Ab12',
  scopes: ['read', 'requests:write'],
  impersonateTeams: [],
  createdAt: '2026-11-24T11:00:00.000Z',
  createdBy: 'olivia@example.com',
  expiresAt: '2027-02-22T12:00:00.000Z',
  lastUsedAt: '2026-11-24T11:59:00.000Z',
  revokedAt: null,
  replacedBy: null,
  warnings: [],
}
const secret = `psr_${'A'.repeat(46)}`
const page = (items: readonly unknown[]) => ({ body: { items, pageInfo: { endCursor: null, hasNextPage: false } } })

it('a token that is issued stands alone on standard output, what else there is to say on the other', async () => {
  api.answer = () => ({ status: 201, body: { ...issued, token: secret, warnings: ['Two halves.'] } })

  const ran = await api.purser('tokens create payments-ci --scope read --scope requests:write --expires-in 30d')

  expect(ran).toEqual({
    exit: 0,
    stdout: `${secret}\n`,
    stderr: `${issued.id}, until ${issued.expiresAt}. It is shown this once.\nTwo halves.\n`,
    pauses: [],
  })
  expect(api.seen).toMatchObject([
    {
      method: 'POST',
      path: '/v1/service-accounts/payments-ci/tokens',
      body: { scopes: ['read', 'requests:write'], expiresIn: 2_592_000 },
    },
  ])
})

it('a token is not issued twice where the connection is lost', async () => {
  api.answer = () => 'drop'

  expect((await api.purser('tokens create payments-ci --scope read')).exit).toBe(1)
  expect(api.seen).toHaveLength(1)
})

it('rotating issues what the old one may, and says how long that goes on', async () => {
  const bot = { ...issued, scopes: ['read', 'impersonate'], impersonateTeams: ['payments'] }
  api.answer = ({ method }) => (method === 'GET' ? page([bot]) : { status: 201, body: { ...bot, token: secret } })

  expect(await api.purser(`tokens rotate payments-ci ${issued.id} --overlap 2h --expires-in 1d`)).toMatchObject({
    exit: 0,
    stdout: `${secret}\n`,
  })
  expect(api.seen.at(-1)?.body).toEqual({
    scopes: ['read', 'impersonate'],
    impersonateTeams: ['payments'],
    expiresIn: 86_400,
    replaces: issued.id,
    overlap: 7_200,
  })

  expect(await api.purser('tokens rotate payments-ci tok_other')).toMatchObject({
    exit: 1,
    stdout: '',
    stderr: 'payments-ci has no token tok_other.\n',
  })
})

it('a list says what each may, when it was used, and whether it is over', async () => {
  api.answer = () =>
    page([issued, { ...issued, revokedAt: issued.createdAt }, { ...issued, lastUsedAt: null, expiresAt: issued.createdAt }])

  const ran = await api.purser('tokens list payments-ci --no-color', { terminal: true })

  expect(ran.stdout).toBe(`ID                              BEGINS    STATE    USED   UNTIL       MAY
${issued.id}  psr_Ab12  good     1m     2027-02-22  read requ…
${issued.id}  psr_Ab12  revoked  1m     2027-02-22  read requ…
${issued.id}  psr_Ab12  expired  never  2026-11-24  read requ…
`)
})

it('revoking and deleting say so, and have nothing for standard output', async () => {
  api.answer = () => ({ text: '' })

  expect(await api.purser(`tokens revoke payments-ci ${issued.id}`)).toMatchObject({
    exit: 0,
    stdout: '',
    stderr: `${issued.id} is revoked.\n`,
  })
  expect(await api.purser('service-accounts delete payments-ci')).toMatchObject({
    exit: 0,
    stdout: '',
    stderr: 'payments-ci is out of use, and so are its tokens.\n',
  })
  expect(api.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `DELETE /v1/service-accounts/payments-ci/tokens/${issued.id}`,
    'DELETE /v1/service-accounts/payments-ci',
  ])
})

it('service accounts are made and listed', async () => {
  const account = {
    name: 'payments-ci',
    team: 'payments',
    description: 'Pipelines',
    createdAt: '2026-11-24T11:00:00.000Z',
    createdBy: 'olivia@example.com',
  }
  api.answer = ({ method }) => (method === 'GET' ? page([account]) : { status: 201, body: account })

  expect((await api.purser('service-accounts create payments-ci --team payments --description Pipelines')).stdout).toBe(`payments-ci
Team     payments
For      Pipelines
Next     purser tokens create payments-ci --scope read --scope requests:write
`)
  expect((await api.purser('service-accounts list --team payments --no-color', { terminal: true })).stdout)
    .toBe(`NAME         TEAM      AGE  BY                  FOR
payments-ci  payments  1h   olivia@example.com  Pipelines
`)
  expect(api.seen.map(({ body, query }) => body ?? query.get('team'))).toEqual([
    { name: 'payments-ci', team: 'payments', description: 'Pipelines' },
    'payments',
  ])
})
