/**
 * GraphQL beside REST: a flat list of 50 and a nested query of some 20 fields, against the same reads through REST and against
 * bare mercurius with static data; and how many SQL statements each takes. `npx tsx bench/graphql.ts [seconds]`
 */
import autocannon, { type Request } from 'autocannon'
import pg from 'pg'
import { SUPERUSER } from '../src/adapters/embedded-postgres/start.ts'
import { embedded } from '../src/store/embedded-roles.ts'
import { cpuOf } from './support/cpu.ts'
import { applyDocuments, benchDocuments, benchSubmit } from './support/platform.ts'
import { openStage } from './support/stage.ts'

const SECONDS = Number(process.argv[2] ?? '6')
const CONNECTIONS = 16
const REQUESTS = 200

const stage = await openStage({ shared_preload_libraries: 'pg_stat_statements' })
const headers = { authorization: `Bearer ${stage.token}`, 'content-type': 'application/json', 'purser-on-behalf-of': 'ann@example.com' }

const resource =
  'id name status ttl createdAt updatedAt cost { monthly currency } parameters team { name } environment { name } blueprint { name version } files { path digest }'
const request = `id state reason message nextAction createdAt updatedAt team { name } environment { name } requester { subject kind via }
  changes { action baseRevision ttl parameters blueprint { name version } resource { id name } cost { before after currency } } cost { monthlyDelta currency }
  decision { outcome } budgets { name measure limit committed reserved remaining } plan { digest repository branch files { path operation digest } }
  approvals { by vote at } delivery { commit branch } hold { kind }`
const nested = (id: string) =>
  `{ request(id: "${id}") { id state reason requester { subject kind } team { name title } environment { name } changes { action blueprint { name version } resource { name } cost { after currency } } cost { monthlyDelta } plan { digest } approvals { by } delivery { commit } createdAt } }`
const portal =
  '{ team(name: "t0") { title resources(first: 10) { nodes { name status blueprint { name } lastRequest { state approvals { by } delivery { commit } } } } budgets { nodes { name status { remaining } } } } }'

type Target = { readonly url: string; readonly pid: number }
type Ask = { readonly path: string; readonly query?: string }

try {
  const superuser = new pg.Client({ connectionString: stage.postgres.url(SUPERUSER, embedded.database) })
  await superuser.connect()
  await superuser.query('create extension pg_stat_statements')
  const purser = await stage.serve()
  const { authorization, 'content-type': type } = headers
  await applyDocuments(purser.url, { authorization, 'content-type': type }, benchDocuments(['t0', 't1']))
  const post = (path: string, body: object) => fetch(`${purser.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  for (let i = 0; i < REQUESTS; i += 50)
    await Promise.all(Array.from({ length: 50 }, (_, j) => post('/v1/requests', benchSubmit('t0', `b${i + j}`))))
  await superuser.query('analyze')
  const list = (await (await fetch(`${purser.url}/v1/requests?first=1`, { headers })).json()) as { items: readonly { id: string }[] }
  const id = list.items[0]?.id ?? ''
  const bare = await stage.run('bench/bare-mercurius.ts', {})

  const rows: Record<string, unknown>[] = []
  const statements = async () =>
    Number(
      (
        await superuser.query<{ calls: string }>(
          `select coalesce(sum(s.calls), 0)::text as calls from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = '${embedded.application}'`,
        )
      ).rows[0]?.calls,
    )
  /** How often the reads together are answered in a second. */
  const measure = async (what: string, target: Target, reads: readonly Ask[], than?: number): Promise<number> => {
    const [cpu, before] = [cpuOf(target.pid), await statements()]
    const result = await autocannon({
      url: target.url,
      connections: CONNECTIONS,
      duration: SECONDS,
      headers,
      requests: reads.map(({ path, query }) => ({
        setupRequest: (request: Request) => ({
          ...request,
          path,
          ...(query === undefined ? {} : { method: 'POST', body: JSON.stringify({ query }) }),
        }),
      })),
    })
    const rounds = result['2xx'] / reads.length
    const perSecond = rounds / result.duration
    rows.push({
      what,
      'per second': Math.round(perSecond),
      'of REST': than === undefined ? '' : `${Math.round((perSecond / than) * 100)} %`,
      'node, ms each': ((cpuOf(target.pid) - cpu) / rounds).toFixed(2),
      'SQL statements each': target === bare ? '' : (((await statements()) - before) / rounds).toFixed(1),
      refused: result.non2xx + result.errors,
    })
    return perSecond
  }
  const graphql = (query: string): readonly Ask[] => [{ path: '/graphql', query }]

  const resources = await measure('REST: 50 resources', purser, [{ path: '/v1/resources?team=t0&first=50' }])
  await measure('GraphQL: the same', purser, graphql(`{ resources(team: "t0", first: 50) { nodes { ${resource} } } }`), resources)
  const requests = await measure('REST: 50 requests', purser, [{ path: '/v1/requests?team=t0&first=50' }])
  await measure('GraphQL: the same', purser, graphql(`{ requests(team: "t0", first: 50) { nodes { ${request} } } }`), requests)
  await measure(
    'GraphQL: five fields of them',
    purser,
    graphql('{ requests(team: "t0", first: 50) { nodes { id state message createdAt requester { subject } } } }'),
    requests,
  )
  const one = await measure('REST: a request and its team', purser, [{ path: `/v1/requests/${id}` }, { path: '/v1/teams/t0' }])
  await measure('GraphQL: the same, nested, 20 fields', purser, graphql(nested(id)), one)
  const shown = (await (await fetch(`${purser.url}/v1/resources?team=t0&first=10`, { headers })).json()) as {
    items: readonly { lastRequest: string }[]
  }
  const many = await measure('REST: a team, 10 resources, their requests, budgets', purser, [
    { path: '/v1/teams/t0' },
    { path: '/v1/resources?team=t0&first=10' },
    ...shown.items.map(({ lastRequest }) => ({ path: `/v1/requests/${lastRequest}` })),
    { path: '/v1/budgets' },
  ])
  await measure('GraphQL: the same', purser, graphql(portal), many)
  await measure(
    'bare mercurius: 50 things',
    bare,
    graphql(
      '{ things { id name status createdAt cost { monthly currency } team { name } blueprint { name version } files { path digest } } }',
    ),
  )
  await measure(
    'bare mercurius: one, nested',
    bare,
    graphql(
      '{ thing { id name status createdAt cost { monthly currency } team { name title } blueprint { name version } files { path digest } } }',
    ),
  )
  console.table(rows)
  await superuser.end()
} finally {
  await stage.close()
}
