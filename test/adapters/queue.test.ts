import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { QueueConnection } from '../../src/adapters/queue/connection.ts'
import { createDeliveryHints } from '../../src/adapters/queue/delivery-hints.ts'
import { startDeliveryWorker } from '../../src/adapters/queue/delivery-worker.ts'
import type { DeliveryHints, DeliveryWork, DeliveryWorker } from '../../src/operations/ports.ts'
import { withDatabase } from '../support/database.ts'
import { hasRedis, redisServer } from './redis-server.ts'

const database = await withDatabase()
const redis = hasRedis() ? redisServer() : null
const QUIET = { timeout: 20_000, interval: 5 }

type Backend = { readonly name: string; connection(): QueueConnection; flush(): Promise<void>; cut(): Promise<void> }

const onPostgres: Backend = {
  name: 'PostgreSQL',
  connection: () => ({ kind: 'postgres', url: database.appUrl }),
  flush: async () => {
    const tables = await query(
      database.ownerUrl,
      "select string_agg(format('bullmq.%I', tablename), ', ') as list from pg_tables where schemaname = 'bullmq' and tablename <> 'migration'",
    )
    // Locks the tables in another order than those who work on them, so it may be the one that gives way.
    await vi.waitFor(() => query(database.ownerUrl, `truncate ${String(tables[0]?.['list'])}`), QUIET)
  },
  cut: async () => {
    await query(
      database.appUrl,
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename = current_user',
    )
  },
}

const onRedis: Backend = {
  name: 'Redis',
  connection: () => ({ kind: 'redis', url: redis?.url ?? '' }),
  flush: () => redisCommand((client) => client.flushall()),
  cut: () => redisCommand((client) => client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
}

if (redis === null) process.stderr.write('redis-server is not installed here: the queue is tested on PostgreSQL only\n')
beforeAll(() => redis?.start())
afterAll(() => redis?.stop())

describe.each([onPostgres, ...(redis === null ? [] : [onRedis])])('the queue on $name', (backend) => {
  const opened: { close(): Promise<void> }[] = []
  const warnings: string[] = []
  const log = { warn: (data: object, message: string) => void warnings.push(`${message} ${JSON.stringify(data)}`) }

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()))
    await backend.flush()
    warnings.length = 0
  })

  function hints(): DeliveryHints {
    const made = createDeliveryHints(backend.connection(), log)
    opened.push(made)
    return made
  }

  async function worker(work: Partial<DeliveryWork>, limits = { branches: 4, closeMs: 5_000, abortMs: 5_000 }): Promise<DeliveryWorker> {
    const made = await startDeliveryWorker(
      backend.connection(),
      log,
      { deliver: async () => 'done', sweep: async () => undefined, sweepEveryMs: 600_000, ...work },
      limits,
    )
    opened.push(made)
    return made
  }

  test('a hint becomes a delivery, whether the worker or the hint is there first', async () => {
    const [before, after] = [randomUUID(), randomUUID()]
    const delivered: string[] = []
    const producer = hints()

    producer.deliver(before)
    await worker({
      deliver: async (branch) => {
        delivered.push(branch)
        return 'done'
      },
    })
    producer.deliver(after)

    await vi.waitFor(() => expect(delivered.toSorted()).toEqual([before, after].toSorted()), QUIET)
  })

  test('a hint that comes while its branch is being delivered gives one delivery after it, never one beside it', async () => {
    const branch = randomUUID()
    const gates = [gate(), gate(), gate()]
    let [started, running, most] = [0, 0, 0]
    const deliver = async () => {
      const mine = gates[started++]
      most = Math.max(most, ++running)
      await mine?.passed
      running -= 1
      return 'done' as const
    }
    await worker({ deliver })
    await worker({ deliver })
    const [one, other] = [hints(), hints()]

    one.deliver(branch)
    await vi.waitFor(() => expect(started).toBe(1), QUIET)
    for (let i = 0; i < 20; i += 1) (i % 2 === 0 ? one : other).deliver(branch)
    await Promise.all([one.close(), other.close()])
    gates[0]?.open()
    await vi.waitFor(() => expect(started).toBe(2), QUIET)
    gates[1]?.open()
    await vi.waitFor(() => expect(running).toBe(0), QUIET)

    // A hint of another branch shows that the queue has come to rest, or the third gate holds what should not be.
    const rest = randomUUID()
    const proof = hints()
    proof.deliver(rest)
    await vi.waitFor(() => expect(running + started).toBe(4), QUIET)
    gates[2]?.open()
    expect([most, started]).toEqual([1, 3])
  })

  test('what is to be retried later is, and a hint that comes meanwhile does not wait for it', async () => {
    const branch = randomUUID()
    const outcomes: ('done' | { retryInMs: number })[] = [{ retryInMs: 600_000 }, { retryInMs: 20 }, 'done']
    let calls = 0
    await worker({ deliver: async () => outcomes[calls++] ?? 'done' })
    const producer = hints()

    producer.deliver(branch)
    await vi.waitFor(() => expect(calls).toBe(1), QUIET)
    producer.deliver(branch)

    await vi.waitFor(() => expect(calls).toBe(3), QUIET)
  })

  test('a delivery that throws is tried again, and does not stop the others', async () => {
    const [bad, good] = [randomUUID(), randomUUID()]
    const calls: string[] = []
    await worker({
      deliver: async (branch) => {
        calls.push(branch)
        if (branch === bad && calls.filter((call) => call === bad).length < 3) throw new Error('the database is away')
        return 'done'
      },
    })
    const producer = hints()

    producer.deliver(bad)
    producer.deliver(good)

    await vi.waitFor(() => expect(calls.filter((call) => call === bad)).toHaveLength(3), QUIET)
    expect(calls).toContain(good)
    expect(warnings.filter((line) => line.startsWith('a turn failed and will be tried again'))).toHaveLength(2)
  })

  test('a queue flushed in mid-flight loses no more than hints: later ones and the sweep go on', async () => {
    const [branch, swept] = [randomUUID(), randomUUID()]
    const delivered: string[] = []
    const held = gate()
    const producer = hints()
    let sweeps = 0
    await worker({
      deliver: async (key) => {
        delivered.push(key)
        if (delivered.length === 1) await held.passed
        return 'done'
      },
      sweep: async () => {
        sweeps += 1
        if (sweeps > 2) producer.deliver(swept)
      },
      sweepEveryMs: 50,
    })

    producer.deliver(branch)
    await vi.waitFor(() => expect(delivered).toEqual([branch]), QUIET)
    producer.deliver(branch)
    await backend.flush()
    held.open()

    await vi.waitFor(() => expect(delivered).toContain(swept), QUIET)
    await backend.flush()
    producer.deliver(branch)
    await vi.waitFor(() => expect(delivered.filter((key) => key === branch).length).toBeGreaterThanOrEqual(2), QUIET)
  })

  test('a lost connection is survived, by hints and by workers', async () => {
    const delivered: string[] = []
    const producer = hints()
    await worker({
      deliver: async (branch) => {
        delivered.push(branch)
        return 'done'
      },
    })
    const first = randomUUID()
    producer.deliver(first)
    await vi.waitFor(() => expect(delivered).toContain(first), QUIET)

    await backend.cut()

    // A hint may fall into the gap and be lost; the sweep gives it again, as this loop does.
    const second = randomUUID()
    await vi.waitFor(
      () => {
        producer.deliver(second)
        expect(delivered).toContain(second)
      },
      { timeout: 25_000, interval: 200 },
    )
  })

  test('a worker that dies in mid-delivery is followed by another one', async () => {
    const branch = randomUUID()
    const dying = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'hold-delivery.ts'), JSON.stringify(backend.connection())],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const started = new Promise((resolve) => dying.stdout.once('data', resolve))
    hints().deliver(branch)
    await started
    dying.kill('SIGKILL')

    let calls = 0
    await worker({
      deliver: async () => {
        calls += 1
        return 'done'
      },
    })
    hints().deliver(branch)

    await vi.waitFor(() => expect(calls).toBeGreaterThan(0), QUIET)
  })

  test('closing waits for the delivery that runs, and takes no other', async () => {
    const held = gate()
    const ended: string[] = []
    let started = 0
    const closing = await worker(
      {
        deliver: async (branch) => {
          started += 1
          await held.passed
          ended.push(branch)
          return 'done'
        },
      },
      { branches: 1, closeMs: 20_000, abortMs: 1 },
    )
    const producer = hints()
    producer.deliver(randomUUID())
    producer.deliver(randomUUID())
    await vi.waitFor(() => expect(started).toBe(1), QUIET)

    const closed = closing.close()
    held.open()
    await closed

    expect([started, ended.length]).toEqual([1, 1])
  })

  test('closing aborts a delivery that does not end', async () => {
    const seen: unknown[] = []
    const closing = await worker(
      {
        deliver: (_, signal) =>
          new Promise((resolve) => {
            seen.push('started')
            signal.addEventListener('abort', () => {
              seen.push('aborted')
              resolve('done')
            })
          }),
      },
      { branches: 1, closeMs: 1, abortMs: 20_000 },
    )
    hints().deliver(randomUUID())
    await vi.waitFor(() => expect(seen).toEqual(['started']), QUIET)

    await closing.close()

    expect(seen).toEqual(['started', 'aborted'])
  })

  test('a sweep that fails is followed by the next, and two never run at once', async () => {
    let [sweeps, running, most] = [0, 0, 0]
    const made = await worker({
      sweep: async () => {
        sweeps += 1
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        if (sweeps === 1) throw new Error('the database is away')
      },
      sweepEveryMs: 1,
    })

    await vi.waitFor(() => expect(sweeps).toBeGreaterThan(3), QUIET)
    await made.close()
    expect(most).toBe(1)
  })

  test('how long a hint takes to its worker (printed, not judged)', async () => {
    const arrived = new Map<string, number>()
    const producer = hints()
    await worker({
      deliver: async (branch) => {
        arrived.set(branch, performance.now())
        return 'done'
      },
    })
    const taken: number[] = []
    for (let i = 0; i < 60; i += 1) {
      const branch = randomUUID()
      const sent = performance.now()
      producer.deliver(branch)
      await vi.waitUntil(() => arrived.has(branch), { timeout: 20_000, interval: 1 })
      taken.push((arrived.get(branch) ?? 0) - sent)
    }
    taken.sort((a, b) => a - b)
    process.stdout.write(
      `hint to delivery on ${backend.name}: median ${taken[30]?.toFixed(1)} ms, slowest of 60 ${taken[59]?.toFixed(1)} ms\n`,
    )
  })
})

test('a thousand hints for one branch at once are two on the queue: the first, and one that left after the last was given', async () => {
  const producer = createDeliveryHints(onPostgres.connection(), { warn: () => undefined })
  const branch = randomUUID()

  for (let i = 0; i < 1_000; i += 1) producer.deliver(branch)
  await producer.close()

  const events = await query(database.ownerUrl, "select event from bullmq.event where event in ('added', 'deduplicated') order by id")
  expect(events).toEqual([{ event: 'added' }, { event: 'deduplicated' }])
  await onPostgres.flush()
})

test('hints never throw while the queue is not there, and nothing hangs on closing', async () => {
  const lost: string[] = []
  const nowhere = createDeliveryHints(
    { kind: 'postgres', url: 'postgres://nobody@127.0.0.1:1/nothing' },
    { warn: (_, message) => void lost.push(message) },
  )

  nowhere.deliver(randomUUID())
  nowhere.deliver(randomUUID())

  await vi.waitFor(() => expect(lost).toContain('a hint was lost; the sweep will find the work'), QUIET)
  await nowhere.close()
})

function gate(): { open(): void; readonly passed: Promise<void> } {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, passed }
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function redisCommand(act: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(redis?.url ?? '')
  try {
    await act(client)
  } finally {
    client.disconnect()
  }
}
