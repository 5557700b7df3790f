import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createGitBranches } from '../../src/adapters/git/branches.ts'
import { createRepository } from '../../src/adapters/git/create-repository.ts'
import { deliverBranch } from '../../src/operations/deliver-requests.ts'
import { deliverySteps, standardBatch, type Delivery } from '../../src/operations/deliver-turn.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { listBranches, lockBranch } from '../../src/store/deliveries.ts'
import { processesAbout } from '../adapters/git-repositories.ts'
import { ask, boxes, budget, create, idOf, openHouse, remove, update, type House } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'
import { openWorkers, type WorkProcess } from '../support/workers.ts'

/**
 * The worker is killed with -9 after every step of delivery, and another one is started: the end is the same each time, one
 * commit for each request and its money captured once (L5, L6).
 */
const startWork = await openWorkers()
const LIMIT = { timeout: 40_000, interval: 50 }

type Walk = {
  readonly house: House
  readonly data: string
  readonly repository: string
  readonly ids: readonly string[]
  readonly purse: ReturnType<typeof openPurse>
  /** Request ids of the commits, oldest first. */
  committed(): readonly string[]
  untilSettled(worker: WorkProcess): Promise<void>
}

/** An installation with requests of every kind waiting: two creates, and the update and the delete of what is live. */
async function openWalk(): Promise<Walk> {
  const house = await openHouse()
  const purse = openPurse(house.urls.ownerUrl)
  const data = mkdtempSync(join(tmpdir(), 'purser-walk-'))
  afterAll(() => rmSync(data, { recursive: true, force: true, maxRetries: 5 }))
  const repository = join(data, 'gitops.git')
  await createRepository({ directory: join(data, 'git'), searchPath: process.env['PATH'] ?? '' }, repository, 'main')
  await house.apply(`${boxes}\n---\n${budget('red-lab', "{ scope: { team: red }, limit: '1000.00' }")}`)
  const ann = await house.person('ann@example.com')
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', repository, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

  const submit = async (...changes: Parameters<typeof ask>[2]) => idOf(await ask(house, ann, changes))
  const first = await submit(create('kept', 10), create('gone', 20))
  await deliverHere(house, data, repository)
  const ids = [
    first,
    await submit(create('a', 1)),
    await submit(update('kept', 15), create('b', 2)),
    await submit(remove('gone')),
    await submit(create('c', 3)),
  ]

  return {
    house,
    data,
    repository,
    ids,
    purse,
    committed: () =>
      git('log', '--reverse', '--format=%(trailers:key=Purser-Request,valueonly,separator=%x2C)', 'main')
        .split('\n')
        .filter((line) => line !== ''),
    async untilSettled(by) {
      await by.ready
      await vi.waitFor(async () => {
        for (const id of ids) {
          const request = await readRequest(house.context, ann, id)
          expect(request.ok && request.value['state']).toBe('committed')
        }
      }, LIMIT)
    },
  }
}

/** What waits, by this process. */
async function deliverHere(house: House, data: string, repository: string): Promise<void> {
  const { pool } = house.context.database
  const git = createGitBranches({ directory: join(data, 'git'), searchPath: process.env['PATH'] ?? '' })
  const lock = (branch: string) => lockBranch(() => new pg.Client({ connectionString: house.urls.appUrl }), branch)
  const delivery: Delivery = {
    pool,
    git,
    lock,
    locate: () => repository,
    reach: () => undefined,
    warn: () => undefined,
    batch: standardBatch,
    refusals: new Map(),
  }
  for (const branch of await listBranches(pool)) expect(await deliverBranch(delivery, branch.id, new AbortController().signal)).toBe('done')
  await git.close()
}

async function expectTheEnd(walk: Walk): Promise<void> {
  expect(walk.committed()).toEqual(walk.ids)
  const { rows } = await walk.house.context.database.pool.query<{ id: string; sha: string }>(
    "select type_id('req', id) as id, commit_sha as sha from request order by committed_at, id",
  )
  expect(rows.every((row) => row.sha !== null)).toBe(true)
  expect(await walk.purse.counters('red-lab')).toBe('2100+0/100000')
  expect(await walk.purse.discrepancies()).toEqual([])
  const captures = await walk.purse.query("select amount::int from budget_entry where kind = 'capture' order by request_id")
  expect(captures.map((row) => row['amount'])).toEqual([3_000, 100, 700, -2_000, 300])
  const tree = execFileSync('git', ['--git-dir', walk.repository, 'ls-tree', '-r', '--name-only', 'main'], { encoding: 'utf8' })
  expect(tree.trim().split('\n')).toEqual(['a', 'b', 'c', 'kept'].map((name) => `lab/red/x/${name}/00-configmap-${name}.yaml`))
  expect(junk(walk.data)).toEqual([])
}

/** Whatever a git that was killed, or a start that was cut short, leaves behind. */
function junk(data: string): readonly string[] {
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => /\.lock$|(^|\/)(tmp_|new-|old-|fast_import_crash|incoming-|quarantine)/.test(file))
}

const walks = await Promise.all(deliverySteps.map(openWalk))
const outlived = await openWalk()

describe.concurrent('the worker is killed', () => {
  test.each(deliverySteps.map((step, i) => [step, walks[i] ?? outlived] as const))(
    'at the step %s, and the end is the same',
    async (step, walk) => {
      const killed = startWork({ urls: walk.house.urls, data: walk.data, fault: step })
      expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL' })

      const next = startWork({ urls: walk.house.urls, data: walk.data })
      await walk.untilSettled(next)
      next.kill('SIGTERM')

      expect(await next.ended).toEqual({ code: 0, signal: null })
      await expectTheEnd(walk)
    },
  )

  test('while its push goes on without it, and two others come, and the end is the same', async () => {
    const { house, data, repository } = outlived
    const [thinking, go] = [join(data, 'thinking'), join(data, 'go')]
    mkdirSync(join(repository, 'hooks'), { recursive: true })
    writeFileSync(
      join(repository, 'hooks/pre-receive'),
      `#!/bin/sh\nif mkdir ${thinking} 2>/dev/null; then while [ ! -e ${go} ]; do sleep 0.02; done; fi\n`,
    )
    chmodSync(join(repository, 'hooks/pre-receive'), 0o755)
    const killed = startWork({ urls: house.urls, data })
    await vi.waitFor(() => expect(existsSync(thinking)).toBe(true), LIMIT)
    killed.kill('SIGKILL')
    await killed.ended

    const others = [startWork({ urls: house.urls, data }), startWork({ urls: house.urls, data })]
    await Promise.all(others.map((other) => outlived.untilSettled(other)))
    writeFileSync(go, '')
    for (const other of others) other.kill('SIGTERM')

    expect(await Promise.all(others.map((other) => other.ended))).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ])
    await vi.waitFor(() => expect(processesAbout(data)).toEqual([]), LIMIT)
    await expectTheEnd(outlived)
  })
})
