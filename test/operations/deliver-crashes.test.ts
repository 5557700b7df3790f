import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import pg from 'pg'
import { Fault } from '../../src/core/fault.ts'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { deliverySteps, type DeliveryStep } from '../../src/operations/deliver-turn.ts'
import { acceptBranch } from '../../src/operations/gitops-branches.ts'
import { GitFault, type GitBranches } from '../../src/operations/ports.ts'
import { failDelivery, lockBranch, readBranch, settleCommits, takeBranch, type BranchLock } from '../../src/store/deliveries.ts'
import { boxes, create, openHouse } from '../support/house.ts'
import { requestId } from '../support/delivery.ts'
import { openYard, type Yard } from '../support/yard.ts'

const house = await openHouse()
await house.apply(boxes)
const ann = await house.person('ann@example.com')
const { pool } = house.context.database

let yard: Yard
beforeEach(async () => {
  yard = await openYard(house)
})
afterEach(() => yard.stage.close())

/** The request of each commit, oldest first. */
const committed = () =>
  yard
    .log()
    .map((commit) => commit.trailers[0]?.replace('Purser-Request: ', ''))
    .toReversed()

/** Ends a delivery at a step as a crash would: nothing after it happens. */
class Crash extends Error {}
const crashAt = (at: DeliveryStep) => (step: DeliveryStep) => {
  if (step === at) throw new Crash(at)
}

describe.each(deliverySteps)('at the step %s', (at) => {
  test('a crash leaves one commit for each request and its money captured once, after the next delivery', async () => {
    const ids = await yard.askMany(['a', 'b', 'c'])

    await expect(yard.deliver({ reach: crashAt(at) })).rejects.toThrow(Crash)
    expect(await yard.deliver()).toBe('done')

    expect(committed()).toEqual(ids)
    expect(await Promise.all(ids.map((id) => yard.state(id)))).toEqual(['committed', 'committed', 'committed'])
    expect(await yard.money()).toBe('300+0')
    expect(await captures()).toEqual(ids.map(() => '100'))
  })

  test('so does one in the second half of a batch, while the first is being settled', async () => {
    const ids = await yard.askMany(['a', 'b', 'c'])
    let times = 0
    const reach = (step: DeliveryStep) => {
      if (step === at && ++times === 2) throw new Crash(at)
    }

    await yard.deliver({ reach, batch: { atMost: 4, maxBytes: 1 << 20 } }).catch((error: unknown) => expect(error).toBeInstanceOf(Crash))
    expect(await yard.deliver()).toBe('done')

    expect(times).toBeGreaterThan(['built', 'stored', 'pushed', 'settled'].includes(at) ? 1 : 0)
    expect(committed()).toEqual(ids)
    expect(await captures()).toEqual(ids.map(() => '100'))
  })

  test('a cancellation either comes before anything left, or is too late: never money back for a commit in Git', async () => {
    const [first = '', second = ''] = await yard.askMany(['a', 'b'])
    let answer: Awaited<ReturnType<typeof cancelRequest>> | null = null

    await yard.deliver({
      reach: async (step) => {
        if (step === at && answer === null) answer = await cancelRequest(house.context, ann, second)
      },
    })

    const early = ['locked', 'fetched'].includes(at)
    expect(answer).toMatchObject(early ? { ok: true, value: { state: 'cancelled' } } : { ok: false, problem: { code: 'wrong-state' } })
    expect(await yard.state(second)).toBe(early ? 'cancelled' : 'committed')
    expect(committed()).toEqual(early ? [first] : [first, second])
    expect(await yard.money()).toBe(early ? '100+0' : '200+0')
  })

  test('a lost lock ends the delivery, and the next one settles: one commit each', async () => {
    const ids = await yard.askMany(['a', 'b'])
    let lock: BranchLock | null = null

    const delivery = yard.deliver({
      lock: async (branch) =>
        (lock = await lockBranch(
          () => new pg.Client({ connectionString: house.urls.appUrl, application_name: `cut ${yard.environment}` }),
          branch,
        )),
      reach: async (step) => {
        if (step === at && lock !== null && !lock.signal.aborted) await cut(lock)
      },
    })

    await expect(delivery).rejects.toMatchObject({ name: 'Fault', kind: 'again' })
    expect(await yard.deliver()).toBe('done')
    expect(committed()).toEqual(ids)
    expect(await yard.money()).toBe('200+0')
  })
})

describe('exactly once', () => {
  test('when the answer to a push is lost', async () => {
    const ids = await yard.askMany(['a', 'b'])
    const git = overridePush(async (push) => {
      await push()
      throw new GitFault('again', 'the line went dead')
    })

    expect(await yard.deliver({ git })).toEqual({ retryInMs: expect.any(Number) })
    expect(await yard.state(ids[0] ?? '')).toBe('queued')
    expect(await yard.deliver()).toBe('done')

    expect(committed()).toEqual(ids)
    expect(await yard.money()).toBe('200+0')
  })

  test('when what was pushed before a crash fits into no batch of the next writer', async () => {
    const ids = await yard.askMany(['a', 'b', 'c', 'd', 'e'])
    await expect(yard.deliver({ reach: crashAt('pushed') })).rejects.toThrow(Crash)
    const [late = ''] = await yard.askMany(['late'])

    expect(await yard.deliver({ batch: { atMost: 2, maxBytes: 1 << 20 } })).toBe('done')

    expect(committed()).toEqual([...ids, late])
    expect(await yard.money()).toBe('600+0')
  })

  test('when an administrator accepts a history in which the commit is already', async () => {
    await yard.ask(create('first', 1))
    await yard.deliver()
    const ours = yard.stage.foreign(['rev-parse', 'main'])
    const [id = ''] = await yard.askMany(['a'])
    await expect(yard.deliver({ reach: crashAt('pushed') })).rejects.toThrow(Crash)
    const pushed = yard.stage.foreign(['rev-parse', 'main'])
    yard.stage.foreign(['update-ref', '-d', 'refs/heads/main'])
    yard.stage.foreignCommit({ README: 'rewritten' })
    await yard.deliver()
    expect(await yard.branch()).toMatchObject({ state: 'history-rewritten', head: ours })
    yard.stage.foreign(['update-ref', 'refs/heads/main', pushed])

    await acceptBranch(house.context, house.administrator, { repository: yard.repository, branch: 'main', head: pushed })
    expect(await yard.deliver()).toBe('done')

    expect(yard.log().filter((commit) => commit.trailers.includes(`Purser-Request: ${id}`))).toHaveLength(1)
    expect(await yard.read(id)).toMatchObject({ state: 'committed', delivery: { commit: pushed } })
  })

  test('when two workers are told at once', async () => {
    const ids = await yard.askMany(['a', 'b', 'c'])

    const outcomes = await Promise.all([yard.deliver(), yard.deliver(), yard.deliver()])

    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1)
    expect(committed()).toEqual(ids)
    expect(await yard.money()).toBe('300+0')
  })

  test('when somebody took a pushed commit off the branch before it was settled', async () => {
    await yard.ask(create('first', 1))
    await yard.deliver()
    const before = yard.stage.foreign(['rev-parse', 'main'])
    const [id = ''] = await yard.askMany(['a'])
    await expect(yard.deliver({ reach: crashAt('pushed') })).rejects.toThrow(Crash)
    yard.stage.foreign(['update-ref', 'refs/heads/main', before])

    expect(await yard.deliver()).toBe('done')

    expect(committed().filter((request) => request === id)).toHaveLength(1)
    expect(await yard.state(id)).toBe('committed')
  })
})

describe('a writer that lost its lock and does not know it', () => {
  test.each(['claimed', 'checked', 'built', 'stored', 'pushed'] as const)(
    'after %s can neither settle nor fail what the next one delivers',
    async (at) => {
      const ids = await yard.askMany(['a', 'b'])
      const deaf: BranchLock = { signal: new AbortController().signal, release: async () => undefined }
      let overtaken = false

      const old = yard.deliver({
        // Its lock is gone at once, and no signal says so.
        lock: async () => deaf,
        reach: async (step) => {
          if (step !== at || overtaken) return
          overtaken = true
          expect(await yard.deliver()).toBe('done')
        },
      })

      await expect(old).rejects.toBeInstanceOf(Fault)
      expect(committed()).toEqual(ids)
      expect(await yard.money()).toBe('200+0')
    },
  )

  test('cannot release the money of a request whose commit the next one has pushed and not settled yet', async () => {
    const [id = ''] = await yard.askMany(['a'])
    yard.stage.foreignCommit({ [yard.path('a')]: 'in the way\n' })
    let overtaken = false

    const old = yard.deliver({
      lock: async () => ({ signal: new AbortController().signal, release: async () => undefined }),
      reach: async (step) => {
        if (step !== 'claimed' || overtaken) return
        overtaken = true
        yard.stage.foreignCommit({ [yard.path('a')]: null })
        await expect(yard.deliver({ reach: crashAt('pushed') })).rejects.toThrow(Crash)
      },
    })

    await expect(old).rejects.toBeInstanceOf(Fault)
    expect(await yard.state(id)).toBe('queued')
    expect(await yard.deliver()).toBe('done')
    expect(await yard.state(id)).toBe('committed')
    expect(await yard.money()).toBe('100+0')
  })

  test('settles nothing and fails nothing under an epoch that has moved on', async () => {
    const [id = ''] = await yard.askMany(['a'])
    await expect(yard.deliver({ reach: crashAt('stored') })).rejects.toThrow(Crash)
    const old = await readBranch(pool, await yard.branchId())
    const sha = await attemptOf(id)
    if (old === null) throw new Error('no branch')

    await takeBranch(pool, old.id)

    expect(await settleCommits(pool, old, sha, [{ request: requestId(id), sha }])).toBe(false)
    expect(await failDelivery(pool, old, requestId(id), { code: 'delivery-refused', detail: 'no' })).toBe(false)
    expect(await yard.state(id)).toBe('queued')
    expect(await yard.deliver()).toBe('done')
    expect(committed()).toEqual([id])
  })
})

test('what was claimed before a crash is delivered first, whatever was released before it', async () => {
  const [busy = '', claimed = ''] = await yard.askMany(['a', 'b'])
  const client = new pg.Client({ connectionString: house.urls.ownerUrl })
  await client.connect()
  const reach = async (step: DeliveryStep) => {
    // Somebody holds the first request's row while deliveries are claimed, so it is passed over.
    if (step === 'fetched') await client.query('begin; ' + `select from request where type_id('req', id) = '${busy}' for update`)
    if (step === 'claimed') {
      await client.query('rollback')
      throw new Crash()
    }
  }
  await expect(yard.deliver({ reach })).rejects.toThrow(Crash)
  await client.end()

  expect(await yard.deliver({ batch: { atMost: 1, maxBytes: 1 << 20 } })).toBe('done')

  expect(committed()).toEqual([claimed, busy])
})

test('a delivery that is told to stop ends, and what it claimed is delivered by the next', async () => {
  const ids = await yard.askMany(['a', 'b'])
  const stop = new AbortController()
  yard.stage.hook('pre-receive', 'while true; do sleep 0.01; done')

  const stopped = yard.deliver({ stop: stop.signal, reach: (step) => void (step === 'stored' && setImmediate(() => stop.abort())) })

  await expect(stopped).rejects.toMatchObject({ name: 'Fault', kind: 'again' })
  expect(yard.stage.strayProcesses()).toEqual([])
  yard.stage.hook('pre-receive', 'exit 0')
  expect(await yard.deliver()).toBe('done')
  expect(committed()).toEqual(ids)
})

test('a branch for which nothing waits is no work', async () => {
  expect(await yard.deliver()).toBe('done')
})

/** Ends the connection of a lock at the server's side, and waits until its owner has noticed. */
async function cut(lock: BranchLock): Promise<void> {
  const noticed = new Promise((resolve) => lock.signal.addEventListener('abort', resolve, { once: true }))
  await pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [`cut ${yard.environment}`])
  await noticed
}

/** The real git, with another way to push. */
function overridePush(act: (push: () => Promise<unknown>) => Promise<never>): GitBranches {
  return {
    open: (branch, signal) => {
      const real = yard.stage.git.open(branch, signal)
      return { ...real, push: (expected, sha) => act(() => real.push(expected, sha)) }
    },
    close: async () => undefined,
  }
}

/** What the ledger has captured in the yard's budget, oldest first. */
async function captures(): Promise<readonly string[]> {
  const { rows } = await pool.query<{ amount: string }>(
    "select e.amount from budget_entry e join budget b on b.id = e.budget_id where b.name = $1 and e.kind = 'capture' order by e.id",
    [yard.environment],
  )
  return rows.map((row) => row.amount)
}

async function attemptOf(id: string): Promise<string> {
  const { rows } = await pool.query<{ sha: string }>("select sha from delivery_attempt where type_id('req', request_id) = $1", [id])
  return rows[0]?.sha ?? ''
}
