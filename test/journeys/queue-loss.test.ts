import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { createRepository } from '../../src/adapters/git/create-repository.ts'
import { createDeliveryHints } from '../../src/adapters/queue/delivery-hints.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { serveHooks } from '../adapters/hook-server.ts'
import { ask, boxes, budget, create, idOf, openHouse } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { openWorkers, type WorkProcess } from '../support/workers.ts'

/** The queue burns (L8): its tables are emptied while a delivery is under way, hints are never given, and every request is committed. */
const startWork = await openWorkers()
const LIMIT = { timeout: 40_000, interval: 50 }

const house = await openHouse()
await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red }, limit: '1000.00' }")}`)
const ann = await house.person('ann@example.com')
const purse = openPurse(house.urls.ownerUrl)
const data = mkdtempSync(join(tmpdir(), 'purser-queue-'))
const repository = join(data, 'gitops.git')
await createRepository({ directory: join(data, 'git'), searchPath: process.env['PATH'] ?? '' }, repository, 'main')
afterAll(() => rmSync(data, { recursive: true, force: true, maxRetries: 5 }))

/** The house's own hints lead nowhere, so this gives none. */
const submit = async (name: string) => idOf(await ask(house, ann, [create(name, 1)]))

async function untilCommitted(worker: WorkProcess, ids: readonly string[]): Promise<void> {
  await vi.waitFor(async () => {
    const states = await Promise.all(
      ids.map(async (id) => {
        const request = await readRequest(house.context, ann, id)
        return request.ok ? request.value['state'] : 'lost'
      }),
    )
    expect(states, worker.stderr()).toEqual(ids.map(() => 'committed'))
  }, LIMIT)
}

/** Every table of the queue at once. Workers lock them in another order, so this may be the one that gives way. */
async function burn(): Promise<void> {
  const [row] = await purse.query(
    "select string_agg(format('bullmq.%I', tablename), ', ') as list from pg_tables where schemaname = 'bullmq' and tablename <> 'migration'",
  )
  await vi.waitFor(() => purse.query(`truncate ${String(row?.['list'])}`), LIMIT)
}

test('a queue that burns in the middle of a delivery, and hints that are never given, lose no request', async () => {
  const [thinking, go] = [join(data, 'thinking'), join(data, 'go')]
  mkdirSync(join(repository, 'hooks'), { recursive: true })
  writeFileSync(
    join(repository, 'hooks/pre-receive'),
    `#!/bin/sh\nif mkdir ${thinking} 2>/dev/null; then while [ ! -e ${go} ]; do sleep 0.02; done; fi\n`,
  )
  chmodSync(join(repository, 'hooks/pre-receive'), 0o755)
  const before = [await submit('a'), await submit('b')]
  const worker = startWork({ urls: house.urls, data })
  await vi.waitFor(() => expect(existsSync(thinking)).toBe(true), LIMIT)

  // A hint is on the queue behind the one that is under way; then both are gone.
  const during = [await submit('c')]
  const hints = createDeliveryHints({ kind: 'postgres', url: house.urls.appUrl }, { warn: () => undefined })
  hints.deliver(house.hinted.at(-1) ?? '')
  await hints.close()
  await burn()
  writeFileSync(go, '')
  await untilCommitted(worker, [...before, ...during])

  const after = [await submit('d')]
  await untilCommitted(worker, after)
  worker.kill('SIGTERM')
  expect(await worker.ended).toEqual({ code: 0, signal: null })
  expect(await purse.counters('red-lab')).toBe('400+0/100000')
  expect(await purse.discrepancies()).toEqual([])
})

test('a commit is told to a chat, twice at most when the worker is killed after the chat has heard, and never not', async () => {
  const chat = await serveHooks()
  const told = (box: string) => chat.texts('/red-is-secret').filter((text) => text.includes(` ${box} `)).length
  // What was committed before there is a hook is not told.
  await purse.query('select note_events(1000)')
  const env = { PURSER_SECRET_RED: `${chat.url}/red-is-secret`, PURSER_ALLOW_PRIVATE_ADDRESSES: '127.0.0.1/32' }
  await house.apply(
    boxes.replace('metadata: { name: red }, spec: {', 'metadata: { name: red }, spec: { contact: { webhook: { env: PURSER_SECRET_RED } },'),
  )
  try {
    chat.answer('/red-is-secret', 'hang')
    await submit('first')
    const first = startWork({ urls: house.urls, data, env })
    await vi.waitFor(() => expect(told('first'), first.stderr()).toBe(1), LIMIT)
    first.kill('SIGKILL')
    await first.ended

    chat.answer('/red-is-secret', { status: 200 })
    await burn()
    // Its turn is over, half a minute earlier than by the clock.
    await purse.query('update notice_hook set next_at = now()')
    await submit('second')
    const second = startWork({ urls: house.urls, data, env })
    await vi.waitFor(() => expect([told('first'), told('second')], second.stderr()).toEqual([2, 1]), LIMIT)
    await vi.waitFor(async () => expect(await purse.query("select from notice where state = 'pending'")).toEqual([]), LIMIT)
    second.kill('SIGTERM')
    expect(await second.ended).toEqual({ code: 0, signal: null })
    expect([told('first'), told('second')]).toEqual([2, 1])
    expect(first.stderr() + second.stderr()).not.toContain('red-is-secret')
  } finally {
    await chat.close()
  }
})
