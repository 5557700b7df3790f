/**
 * From submit to "in Git" at a steady rate that does not wait for answers (open loop): `Prefer: wait` answers when the
 * commit is settled. `npx tsx bench/latency.ts [per second] [seconds]`
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { applyDocuments, benchDocuments, benchSubmit } from './support/platform.ts'
import { openStage } from './support/stage.ts'

const RATE = Number(process.argv[2] ?? '50')
const SECONDS = Number(process.argv[3] ?? '20')

const stage = await openStage()
const headers = { authorization: `Bearer ${stage.token}`, 'content-type': 'application/json' }

try {
  const purser = await stage.serve(['--work'])
  await applyDocuments(purser.url, headers, benchDocuments(['t0', 't1', 't2', 't3']))
  const took: number[] = []
  let late = 0
  /** From when it was due: what this process itself is late by counts, too. */
  const ask = async (n: number, due: number): Promise<void> => {
    const answer = await fetch(`${purser.url}/v1/requests`, {
      method: 'POST',
      headers: { ...headers, 'purser-on-behalf-of': 'ann@example.com', prefer: 'wait=20' },
      body: JSON.stringify(benchSubmit(`t${n % 4}`, `b${n}`)),
    })
    const { state } = (await answer.json()) as { state?: string }
    if (state === 'committed') took.push(performance.now() - due)
    else late++
  }
  for (let i = 0; i < 20; i++) await ask(1_000_000 + i, performance.now())
  took.length = 0
  const asked: Promise<void>[] = []
  const began = performance.now()
  for (let n = 0; n < RATE * SECONDS; n++) {
    const due = began + (n * 1_000) / RATE
    await sleep(Math.max(0, due - performance.now()))
    asked.push(ask(n, due))
  }
  await Promise.all(asked)
  took.sort((a, b) => a - b)
  const at = (share: number) => Math.round(took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0)
  console.table([
    {
      'per second': RATE,
      committed: took.length,
      'not committed': late,
      'p50 ms': at(0.5),
      'p90 ms': at(0.9),
      'p99 ms': at(0.99),
      'max ms': at(1),
    },
  ])
} finally {
  await stage.close()
}
