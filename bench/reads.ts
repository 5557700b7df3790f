/**
 * Reads a second through HTTP: filtered list pages, one request, and a plan; beside `/healthz` of the same process, which is
 * what HTTP itself leaves. `npx tsx bench/reads.ts [seconds]`
 */
import autocannon, { type Request } from 'autocannon'
import pg from 'pg'
import { cpuOf } from './support/cpu.ts'
import { applyDocuments, benchDocuments, benchSubmit } from './support/platform.ts'
import { openStage } from './support/stage.ts'

const SECONDS = Number(process.argv[2] ?? '8')
const CONNECTIONS = 32
const REQUESTS = 500

const stage = await openStage()
const headers = { authorization: `Bearer ${stage.token}`, 'content-type': 'application/json', 'purser-on-behalf-of': 'ann@example.com' }

try {
  const purser = await stage.serve()
  const { authorization, 'content-type': type } = headers
  await applyDocuments(purser.url, { authorization, 'content-type': type }, benchDocuments(['t0', 't1']))
  const post = (path: string, body: object) => fetch(`${purser.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  for (let i = 0; i < REQUESTS; i += 50)
    await Promise.all(Array.from({ length: 50 }, (_, j) => post('/v1/requests', benchSubmit('t0', `b${i + j}`))))
  // As autovacuum does a minute later: without statistics there are no plans to speak of.
  const owner = new pg.Client({ connectionString: stage.ownerUrl })
  await owner.connect()
  await owner.query('analyze')
  await owner.end()
  const list = await fetch(`${purser.url}/v1/requests?first=1`, { headers })
  const { items } = (await list.json()) as { items: readonly { id: string }[] }

  const rows: Record<string, unknown>[] = []
  const measure = async (what: string, path: string, body?: () => object) => {
    const plan =
      body === undefined
        ? {}
        : { method: 'POST', requests: [{ setupRequest: (request: Request) => ({ ...request, body: JSON.stringify(body()) }) }] }
    const before = cpuOf(purser.pid)
    const result = await autocannon({ url: `${purser.url}${path}`, connections: CONNECTIONS, duration: SECONDS, headers, ...plan })
    rows.push({
      what,
      'per second': Math.round(result['2xx'] / result.duration),
      'p99 ms': result.latency.p99,
      'node, ms each': ((cpuOf(purser.pid) - before) / result['2xx']).toFixed(3),
      refused: result.non2xx + result.errors,
    })
  }
  await measure('healthz (the limit)', '/healthz')
  await measure('list, filtered, 10 a page', '/v1/requests?team=t0&state=queued&first=10')
  await measure('list, filtered, 50 a page', '/v1/requests?team=t0&state=queued&first=50')
  await measure('resources, filtered, 50 a page', '/v1/resources?team=t0&first=50')
  await measure('one request', `/v1/requests/${items[0]?.id ?? ''}`)
  // Each of another name, and of two teams in turn, so that no answer is another's.
  let plans = 0
  await measure('plan', '/v1/plans', () => benchSubmit(`t${plans % 2}`, `fresh${plans++}`))
  console.table(rows)
} finally {
  await stage.close()
}
