/**
 * Accepted submits a second through HTTP: 20 rules, 3 budgets over each change; spread over 1,000 budgets, and all on one
 * team's; beside bare Fastify with one five-table statement. `npx tsx bench/submit.ts [seconds]`
 */
import autocannon from 'autocannon'
import { openStage } from './support/stage.ts'

const SECONDS = Number(process.argv[2] ?? '8')
const TEAMS = 333

const stage = await openStage()
const headers = { authorization: `Bearer ${stage.token}`, 'content-type': 'application/json' }

async function apply(url: string): Promise<void> {
  const doc = (kind: string, name: string, spec: object) => ({ apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec })
  const teams = Array.from({ length: TEAMS + 1 }, (_, i) => `t${i}`)
  const budget = (name: string, scope: object, more: object = { limit: '900000000.00' }) => doc('Budget', name, { scope, ...more })
  const rules = Array.from({ length: 20 }, (_, i) => ({
    name: `rule-${i}`,
    when: `action != 'delete' && parameters.units > ${1_000 + i} && environment.values.region.startsWith('eu-')`,
    effect: 'deny',
    message: `More than ${1_000 + i} (\${parameters.units})`,
  }))
  const documents = [
    doc('Environment', 'lab', { gitops: { path: 'lab/${team.name}' }, namespace: '${team.name}-lab', values: { region: 'eu-north-1' } }),
    ...teams.map((team) => doc('Team', team, { members: [{ user: 'ann@example.com', role: 'developer' }] })),
    doc('Blueprint', 'box', {
      version: '1.0.0',
      parameters: { type: 'object', properties: { units: { type: 'integer', minimum: 0, default: 1 }, note: { type: 'string' } } },
      price: { monthly: '1.0 * double(parameters.units)' },
      manifests: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
          data: { units: 'u${parameters.units}' },
        },
      ],
    }),
    doc('Policy', 'rules', { match: { blueprints: ['box'] }, rules }),
    ...teams.flatMap((team) => [
      budget(`${team}-a`, { team }),
      budget(`${team}-b`, { team, environment: 'lab' }),
      budget(`${team}-c`, { team }, { measure: 'count', limit: 100_000_000 }),
    ]),
  ]
  // As many as one apply takes.
  for (let i = 0; i < documents.length; i += 500) {
    const answer = await fetch(`${url}/v1/apply`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ documents: documents.slice(i, i + 500) }),
    })
    if (answer.status !== 200) throw new Error(`apply: ${answer.status} ${(await answer.text()).slice(0, 500)}`)
  }
}

let serial = 0

async function measure(url: string, connections: number, hot: boolean): Promise<{ perSecond: number; p99: number; refused: number }> {
  const result = await autocannon({
    url: `${url}/v1/requests`,
    connections,
    duration: SECONDS,
    method: 'POST',
    headers: { ...headers, 'purser-on-behalf-of': 'ann@example.com' },
    requests: [
      {
        setupRequest: (request) => {
          const n = ++serial
          const team = hot ? 't0' : `t${1 + (n % TEAMS)}`
          return {
            ...request,
            body: JSON.stringify({
              team,
              environment: 'lab',
              reason: 'bench',
              changes: [{ action: 'create', blueprint: 'box', name: `b${n}`, parameters: { units: 1 } }],
            }),
          }
        },
      },
    ],
  })
  return { perSecond: Math.round(result['2xx'] / result.duration), p99: result.latency.p99, refused: result.non2xx + result.errors }
}

try {
  const purser = await stage.serve()
  await apply(purser.url)
  const bare = await stage.run('bench/bare-fastify.ts', { DATABASE_URL: stage.ownerUrl })
  const rows: Record<string, unknown>[] = []
  for (const hot of [false, true]) {
    for (const connections of [16, 64]) {
      const limit = await measure(bare.url, connections, hot)
      const own = await measure(purser.url, connections, hot)
      rows.push({
        budgets: hot ? 'one team' : '1,000',
        connections,
        'purser/s': own.perSecond,
        'bare/s': limit.perSecond,
        ratio: (own.perSecond / limit.perSecond).toFixed(2),
        'p99 ms': own.p99,
        refused: own.refused,
      })
      console.table(rows.slice(-1))
    }
  }
  console.table(rows)
} finally {
  await stage.close()
}
