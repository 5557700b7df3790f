import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { idToUuid, newId, parseId } from '../../src/core/ids.ts'
import { ok, type Result } from '../../src/core/result.ts'
import { authenticate } from '../../src/operations/authenticate.ts'
import { scopes, type Caller } from '../../src/operations/caller.ts'
import type { Context } from '../../src/operations/context.ts'
import type { Topic } from '../../src/operations/event-topics.ts'
import { followEvents, type Followed, type FollowOptions } from '../../src/operations/follow-events.ts'
import { openContext } from '../../src/operations/open-context.ts'
import { waitForRequest } from '../../src/operations/wait-for-request.ts'
import { listEvents } from '../../src/operations/read-events.ts'
import { openDatabase } from '../../src/store/database.ts'
import { keepAdminToken } from '../../src/store/principals.ts'
import { recordRefusedAccess } from '../../src/store/events.ts'
import { openNotices } from '../../src/store/notices.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, budget, create, idOf, openHouse } from '../support/house.ts'
import { textOf } from '../support/text-of.ts'

const house = await openHouse()
const { context } = house
const { pool } = context.database
await house.apply([boxes, budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '90000.00' }")].join('\n---\n'))
const ann = await house.person('ann@example.com')
const vic = await house.person('vic@example.com')
const owner = new pg.Client({ connectionString: house.urls.ownerUrl })
await owner.connect()
afterAll(() => owner.end())

type Stream = {
  /** The next so many events; none are lost that came with them. */
  take(count: number): Promise<readonly string[]>
  /** What ended it. */
  ended(): Promise<string>
  cursor(): string
  stop(): Promise<void>
}

/** A follower who is the same caller for ever, unless `who` says otherwise. */
async function follow(
  topic: Topic,
  options: Partial<FollowOptions> & { readonly who?: () => Promise<Result<Caller>>; readonly in?: Context } = {},
): Promise<Stream> {
  const stop = new AbortController()
  const { who = async () => ok(house.administrator), in: process = context, ...rest } = options
  const followed = await followEvents(process, who, topic, { after: null, signal: stop.signal, idleMs: 60_000, ...rest })
  if (!followed.ok) throw new Error(followed.problem.code)
  const events: { readonly id: string; readonly cursor: string }[] = []
  let cursor = ''
  const next = async (): Promise<Followed | null> => {
    const { done, value } = await followed.value.next()
    return done === true ? null : (value as Followed) // What is not the end is one.
  }
  const first = await next()
  if (first?.kind === 'events') cursor = first.cursor
  return {
    async take(count) {
      while (events.length < count) {
        const followed = await next()
        if (followed?.kind !== 'events') throw new Error(`ended: ${JSON.stringify(followed)}`)
        events.push(...followed.events.map(({ event, cursor }) => ({ id: textOf(event['id']), cursor })))
      }
      const taken = events.splice(0, count)
      cursor = taken.at(-1)?.cursor ?? cursor
      return taken.map(({ id }) => id)
    },
    async ended() {
      for (;;) {
        const followed = await next()
        if (followed === null) return 'end'
        if (followed.kind === 'refused') return followed.problem.code
      }
    },
    cursor: () => cursor,
    async stop() {
      stop.abort()
      await followed.value.return?.()
    },
  }
}

async function idsOfLog(team: string): Promise<readonly string[]> {
  const page = await listEvents(context, house.administrator, { team }, { first: 200, after: null })
  if (!page.ok) throw new Error(page.problem.code)
  return page.value.items.map((event) => textOf(event['id']))
}

async function note(team: string, subject: string): Promise<void> {
  await recordRefusedAccess(pool, { actor: { subject: 'x', kind: 'person', via: null }, team, subject, data: {} })
}

test('whatever order transactions end in, a follower gets every event once and in the order of the log, over any number of lost connections', async () => {
  let round = 0
  const writers = await Promise.all(Array.from({ length: 3 }, () => openWriter()))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ writer: fc.nat(2), act: fc.constantFrom('write', 'commit', 'lose') }), { minLength: 6, maxLength: 20 }),
      async (steps) => {
        const team = `race-${(round += 1)}`
        await house.apply(`{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: ${team} }, spec: { members: [] } }`)
        const before = (await idsOfLog(team)).length
        const got: string[] = []
        let written = 0
        const total = steps.filter(({ act }) => act === 'write').length
        // These read all the time, and at one place as often as not.
        const steady = await Promise.all(Array.from({ length: 4 }, () => follow({ kind: 'team', name: team })))
        const taken = Promise.all(steady.map((each) => each.take(total)))
        let stream = await follow({ kind: 'team', name: team })
        for (const { writer, act } of steps) {
          const one = writers[writer]
          if (act === 'write') await one?.write(team, `s${(written += 1)}`)
          else if (act === 'commit') await one?.commit()
          else {
            // It took what is there to take, and where it was is all that is left of it.
            got.push(...(await stream.take((await idsOfLog(team)).length - before - got.length)))
            const after = stream.cursor()
            await stream.stop()
            stream = await follow({ kind: 'team', name: team }, { after })
          }
        }
        for (const one of writers) await one.commit()

        got.push(...(await stream.take(written - got.length)))

        expect(got).toEqual((await idsOfLog(team)).slice(before))
        expect(await taken).toEqual(steady.map(() => got))
        await note(team, 'last')
        expect(await stream.take(1)).toEqual((await idsOfLog(team)).slice(-1))
        for (const each of [stream, ...steady]) await each.stop()
      },
    ),
    { numRuns: 10, seed: 20_261_125 },
  )
  for (const one of writers) await one.close()
})

/** A transaction that stays open between its events. */
async function openWriter(): Promise<{
  write(team: string, subject: string): Promise<void>
  commit(): Promise<void>
  close(): Promise<void>
}> {
  const client = new pg.Client({ connectionString: house.urls.ownerUrl })
  await client.connect()
  let open = false
  return {
    async write(team, subject) {
      if (!open) await client.query('begin')
      open = true
      await client.query(`select record_event('access.refused', '{"subject": "x", "kind": "person", "via": null}', $1, $2, '{}')`, [
        team,
        subject,
      ])
    },
    async commit() {
      if (open) await client.query('commit')
      open = false
    },
    close: () => client.end(),
  }
}

test('a request is followed from its beginning, by whoever may approve it too', async () => {
  const request = idOf(await ask(house, ann, [create('followed', 600)]))
  const bob = await house.person('bob@example.com')
  const stream = await follow({ kind: 'request', id: request }, { who: async () => ok(bob) })

  expect(await stream.take(1)).toHaveLength(1)
  await stream.stop()
})

test('what one process did is followed in another', async () => {
  const database = openDatabase({ url: house.urls.appUrl, poolSize: 2, onIdleError: () => undefined })
  const notices = await openNotices(house.urls.appUrl, () => undefined)
  const parts = { notices, hints: context.hints, currency: 'EUR', allowFileRepositories: true, pendingMigrations: async () => [] }
  const other = openContext({ ...parts, database, now: () => new Date() })
  const stream = await follow({ kind: 'team', name: 'red' }, { in: other })

  const request = idOf(await ask(house, ann, [create('over-there', 3)]))
  const [event] = await stream.take(1)
  await commitAll(pool)
  const more = await stream.take(2)

  expect(await idsOfLog('red')).toEqual(expect.arrayContaining([event, ...more]))
  expect(request).toMatch(/^req_/)
  await stream.stop()
  await notices.close()
  await database.close()
})

test('a budget is followed through what moves its counters, its alerts and its document, and nothing else', async () => {
  await commitAll(pool)
  await house.apply(budget('small', "{ scope: { team: red, environment: lab }, limit: '50000.00', alertAt: [2] }"))
  const stream = await follow({ kind: 'budget', name: 'small' }, { who: async () => ok(vic) })

  await ask(house, ann, [create('counted', 9)])
  await note('red', 'small')
  await note('red', 'counted')
  await ask(house, ann, [create('denied', 13)])
  await ask(house, ann, [create('elsewhere', 7)], { environment: 'vault' })
  await commitAll(pool)
  await ask(house, ann, [create('alerts', 499), create('alerts-too', 499)])
  await house.apply(budget('small', "{ scope: { team: red, environment: lab }, limit: '50001.00', alertAt: [2] }"))

  const followed = await stream.take(5)
  const { rows } = await owner.query<{ type: string }>('select type from event where id = any ($1) order by generation, tx, seq', [
    followed.map((id) => idToUuid(parseId('event', id) ?? newId('event'))),
  ])
  expect(rows.map(({ type }) => type.replace('dev.purser.', '')).toSorted()).toEqual([
    'budget.alert.v1',
    'document.applied.v1',
    'request.committed.v1',
    'request.submitted.v1',
    'request.submitted.v1',
  ])
  await stream.stop()
})

test('a budget with another scope is another one: who followed it learns nothing of that', async () => {
  await house.apply(budget('moving', "{ scope: { team: red }, limit: '777.00' }"))
  const stream = await follow({ kind: 'budget', name: 'moving' })

  await house.apply(budget('moving', "{ scope: { team: grey }, limit: '888.00' }"))
  await note('red', 'wakes')

  expect(await stream.ended()).toBe('not-found')
})

test.each<[string, Topic]>([
  ['request', { kind: 'request', id: 'req_01h455vb4pex5vsknk084sn02q' }],
  ['request of no form', { kind: 'request', id: 'x' }],
  ['team', { kind: 'team', name: 'no-such-team' }],
  ['budget', { kind: 'budget', name: 'no-such-budget' }],
])('a %s that is not there is not found', async (_, topic) => {
  const followed = await followEvents(context, async () => ok(house.administrator), topic, { after: null, signal: AbortSignal.abort() })

  expect(followed).toEqual({ ok: false, problem: { code: 'not-found' } })
})

test('whoever has no role in a team finds neither its log, nor its requests, nor its budgets', async () => {
  const zed = await house.person('zed@example.com')
  const request = idOf(await ask(house, ann, [create('hidden', 3)]))
  const topics: readonly Topic[] = [
    { kind: 'team', name: 'red' },
    { kind: 'request', id: request },
    { kind: 'budget', name: 'red-lab' },
  ]
  for (const topic of topics)
    expect(await followEvents(context, async () => ok(zed), topic, { after: null, signal: AbortSignal.abort() })).toEqual({
      ok: false,
      problem: { code: 'not-found' },
    })
})

test('a follower who loses the role gets what a read would answer, and no event of the time after', async () => {
  const team = (members: string) => `{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: leaving }, spec: { members: ${members} } }`
  await house.apply(team('[{ user: vic@example.com, role: viewer }]'))
  const stream = await follow({ kind: 'team', name: 'leaving' }, { who: async () => ok(vic) })

  await note('leaving', 'seen')
  await stream.take(1)
  await house.apply(team('[]'))

  expect(await stream.ended()).toBe('not-found')
})

test('a revoked token ends the stream, although nothing happens in it', async () => {
  const token = makeToken(randomBytes(TOKEN_BYTES))
  await keepAdminToken(pool, hashToken(token), scopes, false)
  // Each time in a process that has not heard of the token for a second.
  const who = () => authenticate(house.another(), { authorization: `Bearer ${token}`, onBehalfOf: undefined, reads: true })
  const stream = await follow({ kind: 'team', name: 'blue' }, { who, idleMs: 50 })

  await owner.query('update api_token set revoked_at = now() where hash = $1', [hashToken(token)])

  expect(await stream.ended()).toBe('unauthenticated')
})

test('a quiet stream says that it is alive, at the same place', async () => {
  const stop = new AbortController()
  const followed = await followEvents(
    context,
    async () => ok(ann),
    { kind: 'team', name: 'red' },
    { after: null, signal: stop.signal, idleMs: 5 },
  )
  if (!followed.ok) throw new Error(followed.problem.code)
  const first = await followed.value.next()

  expect([await followed.value.next(), await followed.value.next()]).toEqual([first, first])
  stop.abort()
  expect(await followed.value.next()).toEqual({ done: true, value: undefined })
})

test('for a reader who takes nothing, nothing is read', async () => {
  const stream = await follow({ kind: 'team', name: 'blue' })
  const statements: string[] = []
  const query = pool.query.bind(pool)
  const counted = (config: { readonly name?: string }, ...rest: unknown[]) => {
    statements.push(String(config.name))
    return (query as (...all: unknown[]) => unknown)(config, ...rest)
  }
  Object.assign(pool, { query: counted })
  try {
    for (let i = 0; i < 120; i++) await note('blue', `e${i}`)

    expect(statements.filter((name) => name.startsWith('list_events'))).toEqual([])
    expect(await stream.take(50)).toHaveLength(50)
    expect(statements.filter((name) => name.startsWith('list_events'))).toHaveLength(1)
    expect(await stream.take(70)).toHaveLength(70)
  } finally {
    Object.assign(pool, { query })
    await stream.stop()
  }
})

test('there are as many followers as the limits say, and room again when one has gone, even one who took nothing', async () => {
  const limited = openContext({
    database: context.database,
    notices: await listening(),
    hints: context.hints,
    currency: 'EUR',
    allowFileRepositories: true,
    followerLimits: { perCaller: 2, perProcess: 3 },
    pendingMigrations: async () => [],
    now: () => new Date(),
  })
  const enter = (caller: Caller, signal: AbortSignal) =>
    followEvents(limited, async () => ok(caller), { kind: 'team', name: 'red' }, { after: null, signal })
  const gone = new AbortController()
  const forever = new AbortController()

  const [first, second, third] = [await enter(ann, gone.signal), await enter(ann, forever.signal), await enter(ann, forever.signal)]
  expect([first.ok, second.ok]).toEqual([true, true])
  expect(third).toEqual({ ok: false, problem: { code: 'rate-limited', retryAfterS: 10 } })
  expect((await enter(vic, forever.signal)).ok).toBe(true)
  expect((await enter(house.administrator, forever.signal)).ok).toBe(false)
  gone.abort()
  expect((await enter(house.administrator, forever.signal)).ok).toBe(true)
  forever.abort()
  expect(limited.followers.size).toBe(0)
})

async function listening() {
  const notices = await openNotices(house.urls.appUrl, () => undefined)
  afterAll(() => notices.close())
  return notices
}

test('who waits for a request is woken by its event, although no notice of it is ever heard', async () => {
  const database = openDatabase({ url: house.urls.appUrl, poolSize: 2, onIdleError: () => undefined })
  const notices = await listening()
  const deaf = { ...notices, connected: true, onRequest: () => undefined, onPlatform: () => undefined }
  const other = openContext({
    database,
    notices: deaf,
    hints: context.hints,
    currency: 'EUR',
    allowFileRepositories: true,
    pendingMigrations: async () => [],
    now: () => new Date(),
  })
  const request = idOf(await ask(house, ann, [create('waited-for', 3)]))
  const waited = waitForRequest(other, ann, request, 60, new AbortController().signal)

  await commitAll(pool)

  expect(await waited).toMatchObject({ ok: true, value: { state: 'committed' } })
  await database.close()
})

test('a cursor that is none is refused', async () => {
  const followed = await followEvents(
    context,
    async () => ok(ann),
    { kind: 'team', name: 'red' },
    { after: 'x', signal: AbortSignal.abort() },
  )

  expect(followed).toMatchObject({ ok: false, problem: { code: 'invalid' } })
})

test('a shared read begins after whoever asked for it: two serve any number, and one that fails fails only those who wait for it', async () => {
  const began: { readonly answer: (value: string) => void; readonly fail: (error: Error) => void }[] = []
  const read = () => new Promise<string>((answer, fail) => began.push({ answer, fail }))
  const { share } = context.followers

  const first = share('here', read)
  const later = [share('here', read), share('here', read)]
  const elsewhere = share('there', read)
  expect(began).toHaveLength(2)
  began[0]?.fail(new Error('gone'))
  began[1]?.answer('there')
  await expect(first).rejects.toThrow('gone')
  await expect.poll(() => began.length).toBe(3)
  began[2]?.answer('new')

  expect(await Promise.all([...later, elsewhere])).toEqual(['new', 'new', 'there'])
})
