/**
 * Accepted submits a second through HTTP: 20 rules, 3 budgets over each change; spread over 1,000 budgets, and all on one
 * team's; beside bare Fastify with one five-table statement, and pgbench with the same `admit` statement, for one submit a
 * call and for 32. `npx tsx bench/submit.ts [seconds]`
 */
import autocannon from 'autocannon'
import { applyDocuments, benchDocuments, benchSubmit } from './support/platform.ts'
import { openPgbench } from './support/pgbench.ts'
import { openStage } from './support/stage.ts'

const SECONDS = Number(process.argv[2] ?? '8')
const TEAMS = 333

const stage = await openStage()
const headers = { authorization: `Bearer ${stage.token}`, 'content-type': 'application/json' }
let serial = 0

async function measure(
  url: string,
  connections: number,
  hot: boolean,
  seconds = SECONDS,
): Promise<{ perSecond: number; p99: number; refused: number }> {
  const result = await autocannon({
    url: `${url}/v1/requests`,
    connections,
    duration: seconds,
    method: 'POST',
    headers: { ...headers, 'purser-on-behalf-of': 'ann@example.com' },
    requests: [
      {
        setupRequest: (request) => {
          const n = ++serial
          return { ...request, body: JSON.stringify(benchSubmit(hot ? 't0' : `t${1 + (n % TEAMS)}`, `b${n}`)) }
        },
      },
    ],
  })
  return { perSecond: Math.round(result['2xx'] / result.duration), p99: result.latency.p99, refused: result.non2xx + result.errors }
}

try {
  const purser = await stage.serve()
  await applyDocuments(purser.url, headers, benchDocuments(Array.from({ length: TEAMS + 1 }, (_, i) => `t${i}`)))
  const bare = await stage.run('bench/bare-fastify.ts', { DATABASE_URL: stage.ownerUrl })
  const pgbench = await openPgbench(stage)
  const rows: Record<string, unknown>[] = []
  // Until what is hot is compiled, in both: what comes first would pay for what comes next.
  for (const { url } of [bare, purser]) await measure(url, 64, false, Math.min(SECONDS, 5))
  for (const hot of [false, true]) {
    for (const connections of [16, 64]) {
      const limit = await measure(bare.url, connections, hot)
      const own = await measure(purser.url, connections, hot)
      const admit = (size: number) => pgbench({ connections: size === 1 ? 16 : 2, size, teams: hot ? 1 : TEAMS, seconds: SECONDS })
      rows.push({
        budgets: hot ? 'one team' : '1,000',
        connections,
        'purser/s': own.perSecond,
        'bare/s': limit.perSecond,
        'admit/s by 1': (await admit(1)) ?? 'no pgbench',
        'by 32': (await admit(32)) ?? 'no pgbench',
        ratio: (own.perSecond / limit.perSecond).toFixed(2),
        'p99 ms': own.p99,
        refused: own.refused,
      })
    }
  }
  console.table(rows)
} finally {
  await stage.close()
}
