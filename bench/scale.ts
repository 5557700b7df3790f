/**
 * What lists and submits cost with few and with many requests: each list's statement and the whole answer over HTTP, at both
 * sizes, and how many times the smaller the larger takes. `npx tsx bench/scale.ts [few] [many]`
 */
import autocannon from 'autocannon'
import pg from 'pg'
import { SUPERUSER } from '../src/adapters/embedded-postgres/start.ts'
import { embedded } from '../src/store/embedded-roles.ts'
import { cpuOf } from './support/cpu.ts'
import { loadRequests, PEOPLE, TEAMS } from './support/load.ts'
import { applyDocuments, benchDocuments, benchSubmit } from './support/platform.ts'
import { openStage } from './support/stage.ts'

const [FEW = 10_000, MANY = 1_000_000] = process.argv.slice(2).map(Number)
const SECONDS = 8
const ROUNDS = 25
/** Until each connection has its plan. */
const WARM = 15

const stage = await openStage({ shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track_planning': 'on' })
const superuser = stage.postgres.url(SUPERUSER, embedded.database)
const admin = { authorization: `Bearer ${stage.token}`, 'content-type': 'application/json' }
const as = (person: string) => ({ ...admin, 'purser-on-behalf-of': `${person}@example.com` })

/** Everybody is in one team; ann is in all, and dan may approve for whoever asks. */
function documents(): readonly object[] {
  const teams = Array.from({ length: TEAMS }, (_, i) => `t${i}`)
  const doc = (kind: string, name: string, spec: object) => ({ apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec })
  const place = (name: string) =>
    doc('Environment', name, { gitops: { path: `${name}/\${team.name}` }, namespace: `\${team.name}-${name}`, values: { region: 'eu-1' } })
  const members = (team: string) => [
    { user: 'ann@example.com', role: 'developer' },
    ...Array.from({ length: PEOPLE }, (_, i) => ({ user: `dev${team.slice(1)}-${i}@example.com`, role: 'developer' })),
  ]
  return [
    place('staging'),
    place('prod'),
    doc('Team', 'dba', { members: [{ user: 'dan@example.com', role: 'approver' }] }),
    ...teams.map((team) => doc('Team', team, { members: members(team) })),
    ...benchDocuments(teams).filter((each) => !('kind' in each && each.kind === 'Team')),
  ]
}

type List = { readonly what: string; readonly who: string; readonly path: string; readonly headers: Readonly<Record<string, string>> }

function lists(known: { readonly resource: string; readonly request: string; readonly middle: string }): readonly List[] {
  const one = as('dev7-0')
  const list = (who: string, headers: Readonly<Record<string, string>>, path: string): List => ({
    what: path,
    who,
    path: `/v1/${path}`,
    headers,
  })
  return [
    ...[
      'requests?team=t7',
      'requests',
      'requests?environment=prod',
      'requests?state=committed',
      'requests?state=failed',
      'requests?state=queued',
      'requests?state=pending_approval',
      'requests?requester=dev7-1@example.com',
      'requests?resource=app-1',
      `requests?resource=${known.resource}`,
      'requests?team=t7&environment=prod&state=denied',
      `requests?after=${known.middle}`,
      'resources',
      'resources?environment=prod',
      'resources?blueprint=box',
      'resources?status=degraded',
      `resources/${known.resource}/history`,
      'events',
      'events?type=dev.purser.request.approved.v1',
      'events?type=dev.purser.request.committed.v1',
      `events?subject=${known.request}`,
      'budgets/t7-a/ledger',
    ].map((path) => list('one team', one, path)),
    ...['requests?awaiting=me', 'requests?state=pending_approval'].map((path) => list('approver', as('dan'), path)),
    ...['requests', 'requests?state=failed', 'requests?environment=prod', 'resources', 'events'].map((path) =>
      list('all teams', as('ann'), path),
    ),
    ...[
      'requests',
      'requests?state=failed',
      'requests?state=ready',
      'requests?state=pending_approval',
      'requests?environment=prod',
      'requests?environment=nowhere',
      'requests?requester=dev7-1@example.com',
      'requests?resource=app-1',
      'resources?status=degraded',
      'events?type=dev.purser.request.denied.v1',
    ].map((path) => list('administrator', admin, path)),
  ]
}

/** Submits a second, and what each costs in the API's process and in the sessions that it has. */
async function measureSubmits(url: string, pid: number, statistics: pg.Client): Promise<Record<string, unknown>> {
  const before = { node: cpuOf(pid), postgres: await sessionsMs(statistics) }
  const result = await autocannon({
    url: `${url}/v1/requests`,
    connections: 16,
    duration: SECONDS,
    method: 'POST',
    headers: as('ann'),
    requests: [
      {
        setupRequest: (request) => {
          const n = ++serial
          return { ...request, body: JSON.stringify(benchSubmit(`t${n % TEAMS}`, `b${n}`)) }
        },
      },
    ],
  })
  return {
    'submits/s': Math.round(result['2xx'] / result.duration),
    'node, ms each': ((cpuOf(pid) - before.node) / result['2xx']).toFixed(3),
    'postgres, ms each': (((await sessionsMs(statistics)) - before.postgres) / result['2xx']).toFixed(3),
  }
}
let serial = 0

/** CPU of all sessions that the application has, ms. */
async function sessionsMs(statistics: pg.Client): Promise<number> {
  const { rows } = await statistics.query<{ pid: number }>('select pid from pg_stat_activity where usename = $1', [embedded.application])
  return rows.reduce((sum, { pid }) => sum + cpuOf(pid), 0)
}

/**
 * Milliseconds of an answer, and of the statements in it as PostgreSQL itself has them: one at a time, and the fastest of many,
 * since whatever is beyond that is the machine's.
 */
async function measure(url: string, list: List, statistics: pg.Client): Promise<{ http: number; sql: number }> {
  let http = Number.POSITIVE_INFINITY
  for (let i = -WARM; i < ROUNDS; i++) {
    if (i === 0) await statistics.query('select pg_stat_statements_reset()')
    const began = performance.now()
    const answer = await fetch(`${url}${list.path}`, { headers: list.headers })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`${list.path}: ${answer.status}`)
    if (i >= 0) http = Math.min(http, performance.now() - began)
  }
  const { rows } = await statistics.query<{ ms: number }>(
    `select coalesce(sum(s.min_exec_time + s.min_plan_time), 0) as ms from pg_stat_statements s join pg_roles r on r.oid = s.userid
     where r.rolname = $1 and s.calls > $2`,
    [embedded.application, Math.floor(ROUNDS / 2)],
  )
  return { http, sql: rows[0]?.ms ?? 0 }
}

/** What the lists ask for by id: a resource of team t7, its first request, and a cursor in the middle of everything. */
async function known(statistics: pg.Client, count: number) {
  const { rows } = await statistics.query<{ resource: string; request: string; middle: string }>(
    `select type_id('res', x.id) as resource, type_id('req', x.last_request_id) as request,
       (select type_id('req', q.id) from request q order by q.id offset $1 limit 1) as middle
     from resource x where x.team = 't7' and x.name = 'app-1'`,
    [Math.floor(count / 2)],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the loaded requests have no app-1 of t7')
  return { ...row, middle: Buffer.from(row.middle).toString('base64url') }
}

try {
  const purser = await stage.serve()
  await applyDocuments(purser.url, admin, documents())
  const statistics = new pg.Client({ connectionString: superuser })
  // When something else fails, the server is stopped before it.
  statistics.on('error', () => undefined)
  await statistics.connect()
  await statistics.query('create extension pg_stat_statements')
  const people = Array.from({ length: TEAMS }, (_, team) => Array.from({ length: PEOPLE }, (__, i) => `dev${team}-${i}@example.com`)).flat()
  await statistics.query(`select know_principal('person', s) from unnest($1::text[]) s`, [[...people, 'dan@example.com']])
  const body = JSON.stringify(benchSubmit('t0', 'template'))
  const template = await fetch(`${purser.url}/v1/requests`, { method: 'POST', headers: as('ann'), body })
  const { id } = (await template.json()) as { id: string }
  const { rows: uuids } = await statistics.query<{ id: string }>(`select id from request where type_id('req', id) = $1`, [id])

  const rows = new Map<string, Record<string, unknown>>()
  const submits: Record<string, unknown>[] = []
  const sizes = [FEW, MANY] as const
  for (const [index, size] of sizes.entries()) {
    const began = performance.now()
    await loadRequests(superuser, uuids[0]?.id ?? '', index === 0 ? 0 : FEW, size)
    const { rows: bytes } = await statistics.query<{ size: string }>('select pg_size_pretty(pg_database_size(current_database())) as size')
    console.log(`${size} requests: ${bytes[0]?.size}, loaded in ${Math.round((performance.now() - began) / 1_000)} s`)
    for (const list of lists(await known(statistics, size))) {
      const { http, sql } = await measure(purser.url, list, statistics)
      // Ids and cursors differ from size to size.
      const key = `${list.who} ${list.path.replaceAll(/(res_|req_|after=)\w+/g, '$1…')}`
      const row = rows.get(key) ?? { who: list.who, list: key.slice(list.who.length + 5) }
      const before = { http: Number(row[`http ${FEW}`]), sql: Number(row[`sql ${FEW}`]) }
      rows.set(key, {
        ...row,
        [`sql ${size}`]: sql.toFixed(2),
        [`http ${size}`]: http.toFixed(2),
        ...(index === 0 ? {} : { 'sql ×': (sql / before.sql).toFixed(1), 'http ×': (http / before.http).toFixed(1) }),
      })
    }
    submits.push({ requests: size, ...(await measureSubmits(purser.url, purser.pid, statistics)) })
  }
  console.log('Milliseconds, one reader, the fastest of many: the statements of a list, and its whole answer.')
  console.table([...rows.values()])
  console.table(submits)
  await statistics.end()
} finally {
  await stage.close()
}
