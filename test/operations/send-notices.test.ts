import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { QueueConnection } from '../../src/adapters/queue/connection.ts'
import { startNoticeWorker } from '../../src/adapters/queue/notice-worker.ts'
import { createHooks } from '../../src/adapters/webhook/post.ts'
import { Secret } from '../../src/core/secret.ts'
import { approveRequest, rejectRequest } from '../../src/operations/decide-request.ts'
import { readRequest } from '../../src/operations/read-requests.ts'
import { sendNotices, sweepNotices, type Notifying } from '../../src/operations/send-notices.ts'
import { endNotices, noteEvents, readNoticeHealth, takeNotices } from '../../src/store/team-notices.ts'
import { serveHooks } from '../adapters/hook-server.ts'
import { hasRedis, redisServer } from '../adapters/redis-server.ts'
import { claim, commitAll, failClaimed } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse } from '../support/house.ts'

const house = await openHouse()
const hooked = (team: string, env: string) => (yaml: string) =>
  yaml.replace(`metadata: { name: ${team} }, spec: {`, `metadata: { name: ${team} }, spec: { contact: { webhook: { env: ${env} } },`)
const platform = hooked('red', 'PURSER_SECRET_RED')(hooked('blue', 'PURSER_SECRET_BLUE')(boxes))
await house.apply(`${platform}\n---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '100000.00' }")}`)
const [ann, bob] = [await house.person('ann@example.com'), await house.person('bob@example.com')]
const { pool } = house.context.database
const owner = new pg.Client({ connectionString: house.urls.ownerUrl })
await owner.connect()
const chat = await serveHooks()
const redis = hasRedis() ? redisServer() : null
beforeAll(() => redis?.start())
afterAll(() => Promise.all([owner.end(), chat.close(), redis?.stop()]))

const warned: string[] = []
const counted: string[] = []
const hooks = createHooks({
  secrets: { PURSER_SECRET_RED: new Secret(`${chat.url}/red`), PURSER_SECRET_BLUE: new Secret(`${chat.url}/blue`) },
  allowed: { private: false, ranges: ['127.0.0.1'] },
})
const notifying: Notifying = {
  pool,
  hooks,
  currency: 'EUR',
  chance: () => 0.5,
  warn: (message, facts) => void warned.push(`${message} ${JSON.stringify(facts)}`),
  count: (outcome) => void counted.push(outcome),
}
const never = new AbortController().signal

/** What a worker does until nothing is left that may leave now; answers the teams that were hinted at first. */
async function work(with_: Notifying = notifying): Promise<readonly string[]> {
  const due: string[] = []
  await sweepNotices(pool, (team) => void due.push(team))
  for (const team of due) while ((await sendNotices(with_, team, never)) === 'more');
  return due
}

/** As if so much time had passed for the hooks. */
const pass = (seconds: number) => owner.query(`update notice_hook set next_at = next_at - make_interval(secs => ${seconds})`)
const news = (team: string) => chat.texts(`/${team}`)
let count = 0
const name = () => `n${(count += 1)}`

async function digestOf(id: string): Promise<string> {
  const read = await readRequest(house.context, ann, id)
  return read.ok ? String((read.value['plan'] as { digest: string }).digest) : ''
}

beforeEach(async () => {
  // Nothing of the test before is left, nor remembered by the chat.
  await commitAll(pool)
  await owner.query('delete from notice; delete from notice_hook')
  while (await noteEvents(pool, 1_000));
  await owner.query('delete from notice; delete from notice_hook')
  ;(chat.arrived as unknown[]).length = 0
  for (const team of ['/red', '/blue']) chat.answer(team, { status: 200 })
  warned.length = 0
  counted.length = 0
})

describe('the chats of teams', () => {
  test('hear of what waits for them with the plan to answer with, and whoever asked of the commit', async () => {
    const box = name()
    const id = idOf(await ask(house, ann, [create(box, 500)]))
    await work()
    const digest = await digestOf(id)
    const waits = `red/lab: create box ${box} (+500.00 EUR a month) waits for 1 approval by an approver of team blue.\nAsked by ann@example.com: test\nRequest \`${id}\`, plan \`${digest}\``
    expect([news('red'), news('blue')]).toEqual([[waits], [waits]])

    expect((await approveRequest(house.context, bob, id, { planDigest: digest })).ok).toBe(true)
    await commitAll(pool)
    await work()
    const [commit] = (await pool.query<{ commit_sha: string }>('select commit_sha from request order by id desc limit 1')).rows
    expect(news('red').slice(1)).toEqual([
      `red/lab: create box ${box} (+500.00 EUR a month) is committed as ${commit?.commit_sha.slice(0, 8)}.\nAsked by ann@example.com: test\nRequest \`${id}\``,
    ])
    expect(news('blue')).toHaveLength(1)
  })

  test('hear of what nobody has to approve when it is committed, and of what failed, was rejected, or fills a budget', async () => {
    await house.apply(budget('red-small', "{ scope: { team: red, environment: lab }, limit: '100000.00', alertAt: [1] }"))
    idOf(await ask(house, ann, [create(name(), 5)]))
    await work()
    expect(news('red')).toEqual([])
    await commitAll(pool)
    const failing = idOf(await ask(house, ann, [create(name(), 6)]))
    await claim(pool)
    await failClaimed(pool, failing)
    const rejected = idOf(await ask(house, ann, [create(name(), 600)]))
    expect((await rejectRequest(house.context, bob, rejected, { comment: 'no, @all' })).ok).toBe(true)
    idOf(await ask(house, ann, [create(name(), 499), create(name(), 499)]))
    await work()

    const told = news('red').join('\n\n')
    expect(told).toMatch(/\(\+5\.00 EUR a month\) is committed as/)
    expect(told).toMatch(/create box n\d+ failed\. no/)
    expect(told).toContain('is rejected by bob@example.com.\nThey say: no, @\u200ball')
    expect(told).toContain('Budget red-small has reached 1 %')
    // What waited was rejected before anybody could be told.
    expect(told).not.toContain('waits for')
    expect(news('blue')).toEqual([])
    await house.apply(budget('red-small', "{ scope: { team: red, environment: lab }, limit: '100000.00' }"))
  })

  test('hear of nothing without a hook, and what is still to be said is dropped when it is taken away', async () => {
    idOf(await ask(house, ann, [create(name(), 500)]))
    while (await noteEvents(pool, 1_000));
    await house.apply(boxes)
    await work()
    idOf(await ask(house, ann, [create(name(), 500)]))
    await work()
    expect(chat.arrived).toEqual([])
    expect(counted).toEqual(['dropped', 'dropped'])

    await house.apply(platform)
    await work()
    expect(chat.arrived).toEqual([])
  })

  test('get one post for many notices, in the order of the log, each once', async () => {
    const boxesAsked = Array.from({ length: 25 }, () => name())
    for (const box of boxesAsked) idOf(await ask(house, ann, [create(box, 1)]))
    await commitAll(pool)
    await work()

    expect(news('red')).toHaveLength(3)
    expect(
      [
        ...news('red')
          .join('\n\n')
          .matchAll(/create box (n\d+) /g),
      ].map((match) => match[1]),
    ).toEqual(boxesAsked)
  })
})

describe('a notice', () => {
  test('is noted down once, however many read the log at the same time', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => idOf(await ask(house, ann, [create(name(), 500)]))))
    await Promise.all(Array.from({ length: 6 }, () => sweepNotices(pool, () => undefined)))
    // Whoever found a reader at work went home; it may have begun before the last event.
    await sweepNotices(pool, () => undefined)

    const { rows } = await pool.query<{ team: string; subject: string }>('select team, subject from notice')
    expect(rows.map(({ team, subject }) => `${team} ${subject}`).toSorted()).toEqual(
      ids.flatMap((id) => [`blue ${id}`, `red ${id}`]).toSorted(),
    )
  })

  test('is not passed over for an event whose transaction ends late', async () => {
    const late = new pg.Client({ connectionString: house.urls.ownerUrl })
    await late.connect()
    try {
      await late.query('begin')
      await late.query(
        `select record_event('budget.alert', '{}', 'red', 'red-lab', '{"percent": 50, "used": 1, "limit": 2, "measure": "count"}')`,
      )
      idOf(await ask(house, ann, [create(name(), 500)]))
      expect(await work()).toEqual([])
      await late.query('commit')
    } finally {
      await late.end()
    }

    await work()
    expect(news('red')).toEqual([expect.stringMatching(/^Budget red-lab has reached 50 %[^]*\n\nred\/lab: create box/)])
  })

  test('comes at most twice when the worker dies between the post and its mark, and is never lost', async () => {
    idOf(await ask(house, ann, [create(name(), 500)]))
    const dying: Notifying = {
      ...notifying,
      hooks: {
        async post(source, text, stop) {
          await hooks.post(source, text, stop)
          throw new Error('the worker dies here')
        },
      },
    }
    while (await noteEvents(pool, 1_000));
    await expect(sendNotices(dying, 'blue', never)).rejects.toThrow('dies here')

    // Whoever comes meanwhile lets it be.
    await work()
    expect(news('blue')).toHaveLength(1)
    await pass(31)
    await work()
    await pass(31)
    await work()
    expect(news('blue')).toHaveLength(2)
  })

  test('is ended by whoever has the turn, and not by whoever lost it', async () => {
    idOf(await ask(house, ann, [create(name(), 500)]))
    while (await noteEvents(pool, 1_000));
    const slow = await takeNotices(pool, 'red', 10, 30)
    expect(await takeNotices(pool, 'red', 10, 30)).toBeNull()
    await pass(31)
    const next = await takeNotices(pool, 'red', 10, 30)
    const ends = (turn: typeof slow) => (turn?.notices ?? []).map(({ number }) => ({ number, state: 'sent' as const, error: null }))
    const hook = { failures: 0, againInS: 0 }

    expect(next?.notices).toEqual([expect.objectContaining({ number: slow?.notices[0]?.number })])
    expect(await endNotices(pool, 'red', slow?.turn ?? '', ends(slow), hook)).toBe(false)
    expect(await endNotices(pool, 'red', next?.turn ?? '', ends(next), hook)).toBe(true)
    expect(await takeNotices(pool, 'red', 10, 30)).toBeNull()
  })
})

describe('a hook', () => {
  test('that says when to come back is left alone until then, and gets everything in its order', async () => {
    chat.answer('/blue', { status: 429, headers: { 'retry-after': '60' } }, { status: 200 })
    const [first, second] = [name(), name()]
    idOf(await ask(house, ann, [create(first, 500)]))
    await work()
    idOf(await ask(house, ann, [create(second, 500)]))
    expect(await work()).toEqual(['red'])
    await pass(59)
    expect(await work()).toEqual([])
    await pass(5)
    expect(await work()).toEqual(['blue'])

    expect(news('blue').slice(1)).toEqual([expect.stringMatching(new RegExp(`${first} [^]*\n\n[^]*${second} `))])
    expect(warned).toEqual([expect.stringContaining('it answered 429')])
  })

  test('that is away is tried again and again for two days, and no longer', async () => {
    chat.answer('/blue', { status: 500 })
    idOf(await ask(house, ann, [create(name(), 500)]))
    for (let tries = 0; tries < 5; tries++) {
      await work()
      await pass(40)
    }
    expect(news('blue')).toHaveLength(5)
    expect(await readNoticeHealth(pool)).toEqual([
      { team: 'blue', pending: 1, oldestAgeS: expect.any(Number) as number, givenUp: 0, lastError: 'it answered 500' },
    ])
    await owner.query(`update notice set created_at = created_at - interval '48 hours'`)
    await pass(10_000)
    await work()
    expect(await readNoticeHealth(pool)).toMatchObject([{ team: 'blue', pending: 0, givenUp: 1 }])
    await pass(10_000)
    expect(await work()).toEqual([])
  })

  test('that is gone is believed, with a warning that names the team and never the hook', async () => {
    chat.answer('/blue', { status: 404, body: 'no_service' })
    idOf(await ask(house, ann, [create(name(), 500)]))
    await work()

    expect(counted.toSorted()).toEqual(['given-up', 'sent'])
    expect(warned).toEqual(['notices to the hook of a team are given up {"team":"blue","why":"it answered 404 no_service","notices":1}'])
    expect(warned.join()).not.toContain(String(chat.port))
  })
})

/** The whole way: from what somebody asked to the chats of two teams. */
const LIMIT = { timeout: 20_000, interval: 5 }
type Backend = readonly [name: string, connection: () => QueueConnection]
const backends: readonly Backend[] = [
  ['PostgreSQL', () => ({ kind: 'postgres', url: house.urls.appUrl })],
  ...(redis === null ? [] : [['Redis', () => ({ kind: 'redis', url: redis.url }) as const] as const]),
]

describe.each(backends)('notices over %s', (_, connection) => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())))

  async function start(): Promise<void> {
    opened.push(
      await startNoticeWorker(
        connection(),
        { warn: () => undefined },
        {
          turn: async (team, stop) => ((await sendNotices(notifying, team, stop)) === 'more' ? { retryInMs: 0 } : 'done'),
          sweep: (hint) => sweepNotices(pool, hint),
          sweepEveryMs: 20,
        },
        { turns: 4, closeMs: 20, abortMs: 5_000 },
      ),
    )
  }
  const seen = (team: string, box: string) => news(team).filter((text) => text.includes(` ${box} `)).length

  test('arrive at the chats of both teams once, whichever of two workers takes them', async () => {
    const [waiting, bought] = [name(), name()]
    await Promise.all([start(), start()])
    idOf(await ask(house, ann, [create(waiting, 500)]))
    idOf(await ask(house, ann, [create(bought, 5)]))
    await commitAll(pool)

    await vi.waitFor(() => expect([seen('red', waiting), seen('blue', waiting), seen('red', bought)]).toEqual([1, 1, 1]), LIMIT)
    await vi.waitFor(async () => {
      const { rows } = await pool.query("select from notice where state = 'pending'")
      expect(rows).toEqual([])
    }, LIMIT)
    expect([seen('red', waiting), seen('blue', waiting), seen('red', bought), seen('blue', bought)]).toEqual([1, 1, 1, 0])
  })

  test('of one team do not wait for the hook of another that does not answer', async () => {
    const box = name()
    chat.answer('/blue', 'hang')
    await start()
    idOf(await ask(house, ann, [create(box, 500)]))

    await vi.waitFor(() => expect(seen('blue', box)).toBe(1), LIMIT)
    const more = name()
    idOf(await ask(house, ann, [create(more, 5)]))
    await commitAll(pool)
    await vi.waitFor(() => expect([seen('red', box), seen('red', more), seen('blue', box)]).toEqual([1, 1, 1]), LIMIT)
    // That the worker stops ends the post, and the next one begins anew.
    await Promise.all(opened.splice(0).map((one) => one.close()))
    chat.answer('/blue', { status: 200 })
    await owner.query('update notice_hook set next_at = now()')
    await start()
    await vi.waitFor(() => expect(seen('blue', box)).toBe(2), LIMIT)
  })
})
