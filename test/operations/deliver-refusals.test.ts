import { readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cancelRequest } from '../../src/operations/cancel-request.ts'
import { acceptBranch, listBranches } from '../../src/operations/gitops-branches.ts'
import { sweepDeliveries } from '../../src/operations/sweep-deliveries.ts'
import { boxes, create, openHouse, remove, update, type Change } from '../support/house.ts'
import { crates, openYard, type Yard } from '../support/yard.ts'

const house = await openHouse()
await house.apply(`${boxes}\n---\n${crates}`)
const ann = await house.person('ann@example.com')

let yard: Yard
beforeEach(async () => {
  yard = await openYard(house)
})
afterEach(() => yard.stage.close())

const crate = (name: string, units: number): Change => ({ action: 'create', blueprint: 'crate@1.0.0', name, parameters: { units } })
const overwriting = (change: Change): Change => ({ ...change, overwrite: true }) as Change
const numbered = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const states = (ids: readonly string[]) => Promise.all(ids.map((id) => yard.state(id)))

/** A hook that refuses every push in which a path has `bad` in it, and counts its calls. */
const refuseBad = () =>
  yard.stage.hook(
    'pre-receive',
    `
  echo x >> ${yard.stage.directory}/calls
  while read old new ref; do
    if [ "$old" = ${'0'.repeat(40)} ]; then range=$new; else range=$old..$new; fi
    if git log --format= --name-only $range | grep -q bad; then echo 'nothing bad in here' >&2; exit 1; fi
  done`,
  )
const refuseAll = () => yard.stage.hook('pre-receive', 'echo closed for today >&2; exit 1')
const acceptAll = () => rmSync(join(yard.stage.repository, 'hooks/pre-receive'), { force: true })

describe('a hook', () => {
  test.each([
    ['the first', ['bad', 'b', 'c']],
    ['the second', ['a', 'bad', 'c']],
    ['the last', ['a', 'b', 'bad']],
  ])('that refuses one of three (%s) fails that one alone, and its money and name are free again', async (_, names) => {
    refuseBad()
    const ids = await yard.askMany(names)

    expect([await yard.deliver(), (await yard.branch()).detail]).toEqual(['done', null])

    const bad = ids[names.indexOf('bad')] ?? ''
    expect(await states(ids)).toEqual(names.map((name) => (name === 'bad' ? 'failed' : 'committed')))
    expect(await yard.read(bad)).toMatchObject({
      problem: { code: 'delivery-refused', detail: `${yard.repository} accepted other commits and refused this one: nothing bad in here` },
    })
    expect(await yard.money()).toBe('200+0')
    expect(await yard.branch()).toMatchObject({ state: 'ok' })
    acceptAll()
    const again = await yard.ask(create('bad', 1))
    await yard.deliver()
    expect(await yard.state(again)).toBe('committed')
    expect(yard.log()).toHaveLength(3)
  })

  test('that refuses one of sixty-four is found out in a few pushes', async () => {
    refuseBad()
    const names = [...numbered(40, 'n'), 'bad', ...numbered(23, 'm')]
    const ids = await yard.askMany(names)

    expect(await yard.deliver()).toBe('done')

    expect(await states(ids)).toEqual(names.map((name) => (name === 'bad' ? 'failed' : 'committed')))
    expect(readFileSync(join(yard.stage.directory, 'calls'), 'utf8').split('\n').length - 1).toBeLessThan(15)
  })

  test('that refuses everything fails nothing: the branch waits, says why, and goes on when it may', async () => {
    refuseAll()
    const ids = await yard.askMany(['a', 'b', 'c'])

    expect(await yard.deliver()).toEqual({ retryInMs: expect.any(Number) })
    expect(await yard.deliver()).toEqual({ retryInMs: expect.any(Number) })

    expect(await states(ids)).toEqual(['queued', 'queued', 'queued'])
    expect(await yard.branch()).toMatchObject({ state: 'refuses', detail: 'closed for today' })
    expect(await yard.read(ids[0] ?? '')).toMatchObject({ hold: { kind: 'branch-refuses', reason: 'closed for today' } })
    expect(await yard.money()).toBe('0+300')
    acceptAll()
    expect(await yard.deliver()).toBe('done')
    expect(await states(ids)).toEqual(['committed', 'committed', 'committed'])
    expect(await yard.branch()).toMatchObject({ state: 'ok', detail: null })
    expect(await yard.read(ids[0] ?? '')).toMatchObject({ hold: null })
  })

  test('that was closed for all and then refuses one fails that one, and none for having been refused before', async () => {
    refuseAll()
    const names = ['a', 'b', 'bad', 'c']
    const ids = await yard.askMany(names)
    await yard.deliver()
    refuseBad()

    await yard.deliver()

    expect(await states(ids)).toEqual(['committed', 'committed', 'failed', 'committed'])
  })

  test('that refuses what is there alone fails it when another request is accepted', async () => {
    refuseBad()
    const [bad = ''] = await yard.askMany(['bad'])
    await yard.deliver()
    expect(await yard.state(bad)).toBe('queued')
    expect(await yard.branch()).toMatchObject({ state: 'refuses' })

    const [good = ''] = await yard.askMany(['good'])
    await yard.deliver()

    expect(await states([bad, good])).toEqual(['failed', 'committed'])
    expect(await yard.branch()).toMatchObject({ state: 'ok' })
  })

  test('that refuses twenty-two in front of a good one does not hide it', async () => {
    refuseBad()
    const bad = await yard.askMany(numbered(22, 'bad'))
    const [good = ''] = await yard.askMany(['good'])

    for (let i = 0; i < 6 && (await yard.state(good)) === 'queued'; i++) await yard.deliver()

    expect(await yard.state(good)).toBe('committed')
    const after = await states(bad)
    expect(after.filter((state) => state === 'failed').length).toBeGreaterThan(4)
    expect(after.every((state) => state === 'failed' || state === 'queued')).toBe(true)
    expect(yard.log()).toHaveLength(1)
  })

  test('that refuses while others move the branch on leaves few attempts, and asks with other requests each time', async () => {
    refuseAll()
    const ids = await yard.askMany(numbered(12, 'n'))
    await yard.deliver()
    const before = await attempts()

    for (let i = 0; i < 3; i++) {
      yard.stage.foreignCommit({ README: `${i}` })
      await yard.deliver()
    }
    expect((await attempts()) - before).toBeLessThanOrEqual(3 * 5)
    await yard.deliver()
    await yard.deliver()

    expect(await attemptedOn(yard.stage.foreign(['rev-parse', 'main']))).toBe(12)
    expect(await states(ids)).toEqual(ids.map(() => 'queued'))
  })

  test('that refuses as many as fit into a batch does not hide what is behind them', async () => {
    refuseBad()
    await yard.askMany(numbered(4, 'bad'))
    const [good = ''] = await yard.askMany(['good'])
    const batch = { atMost: 4, maxBytes: 1 << 20 }

    for (let i = 0; i < 3 && (await yard.state(good)) === 'queued'; i++) await yard.deliver({ batch })

    expect(await yard.state(good)).toBe('committed')
  })
})

describe('somebody else', () => {
  test('who pushes between fetch and push makes it one round longer, and nothing of theirs is lost', async () => {
    yard.stage.foreignCommit({ README: 'hello' })
    const ids = await yard.askMany(['a', 'b'])
    let times = 0

    const outcome = await yard.deliver({
      reach: (step) => void (step === 'stored' && times++ < 2 && yard.stage.foreignCommit({ [`other${times}`]: 'x' })),
    })

    expect(outcome).toBe('done')
    expect(times).toBe(3)
    expect(await states(ids)).toEqual(['committed', 'committed'])
    expect(
      yard
        .log()
        .map((commit) => commit.subject)
        .toReversed(),
    ).toEqual(['by hand', 'by hand', 'by hand', `red/${yard.environment}: create box a`, `red/${yard.environment}: create box b`])
  })

  test('who pushes all the time makes the job give up its turn, and nothing is lost', async () => {
    const [id = ''] = await yard.askMany(['a'])
    let times = 0

    const outcome = await yard.deliver({
      reach: (step) => void (step === 'stored' && yard.stage.foreignCommit({ [`other${times++}`]: 'x' })),
    })

    expect(outcome).toEqual({ retryInMs: expect.any(Number) })
    expect(await yard.state(id)).toBe('queued')
    expect(await yard.deliver()).toBe('done')
    expect(await yard.state(id)).toBe('committed')
  })

  test('who changed a file stops the request that is about it, naming path and commit, and no other', async () => {
    await yard.ask(create('a', 1), create('b', 1))
    await yard.deliver()
    const theirs = yard.stage.foreignCommit({ [yard.path('a')]: 'by hand: true\n' })
    const [changed, other] = [await yard.ask(update('a', 2)), await yard.ask(update('b', 2))]

    await yard.deliver()

    expect(await states([changed, other])).toEqual(['failed', 'committed'])
    expect(await yard.read(changed)).toMatchObject({ problem: { code: 'out-of-band-change', path: yard.path('a'), commit: theirs } })
    expect(await yard.money()).toBe('300+0')
    expect(yard.tree()[yard.path('a')]).toBe('by hand: true\n')
    const overwrite = await yard.ask(overwriting(update('a', 3)))
    await yard.deliver()
    expect(await yard.state(overwrite)).toBe('committed')
    expect(yard.tree()[yard.path('a')]).toContain('u3')
    expect(await yard.money()).toBe('500+0')
  })

  test.each([
    ['removed a file', (path: string) => ({ [path]: null }), /removed/],
    ['put a directory in the place of a file', (path: string) => ({ [path]: null, [`${path}/x`]: 'x' }), /not what Purser wrote/],
  ])('who %s stops the request that is about it', async (_, files, why) => {
    await yard.ask(create('a', 1))
    await yard.deliver()
    const theirs = yard.stage.foreignCommit(files(yard.path('a')))
    const id = await yard.ask(update('a', 2))

    await yard.deliver()

    expect(await yard.read(id)).toMatchObject({
      state: 'failed',
      problem: { code: 'out-of-band-change', commit: theirs, detail: expect.stringMatching(why) },
    })
  })

  test('who put a file where a new one goes keeps it', async () => {
    const theirs = yard.stage.foreignCommit({ [yard.path('a')]: 'mine\n' })
    const id = await yard.ask(create('a', 1))

    await yard.deliver()

    expect(await yard.read(id)).toMatchObject({
      state: 'failed',
      problem: { code: 'out-of-band-change', path: yard.path('a'), commit: theirs },
    })
    expect(yard.tree()).toEqual({ [yard.path('a')]: 'mine\n' })
    expect(await yard.money()).toBe('0+0')
  })

  test('who put a file into a directory that goes keeps it, unless the request overwrites', async () => {
    await yard.ask(crate('a', 1))
    await yard.deliver()
    const theirs = yard.stage.foreignCommit({ [yard.path('a', 'notes/deep/todo.txt')]: 'x' })
    const careful = await yard.ask(remove('a'))

    await yard.deliver()

    expect(await yard.read(careful)).toMatchObject({
      state: 'failed',
      problem: { code: 'out-of-band-change', path: yard.path('a', 'notes/deep/todo.txt'), commit: theirs },
    })
    const sure = await yard.ask(overwriting(remove('a')))
    await yard.deliver()
    expect(await yard.state(sure)).toBe('committed')
    expect(yard.tree()).toEqual({})
    expect(await yard.money()).toBe('0+0')
  })

  test.each([
    ['the file itself', (path: string) => ({ [path]: { link: '/etc/passwd' } }), ''],
    ["the resource's directory", (path: string) => ({ [path]: null, [path.slice(0, path.lastIndexOf('/'))]: { link: 'elsewhere' } }), ''],
    ["the team's directory", (path: string) => ({ [path]: null, [`${path.split('/')[0] ?? ''}/red`]: { link: '..' } }), ''],
  ])('who put a symlink at %s is never written through, not even with overwrite', async (_, files) => {
    await yard.ask(create('a', 1))
    await yard.deliver()
    const theirs = yard.stage.foreignCommit(files(yard.path('a')))
    const id = await yard.ask(overwriting(update('a', 2)))

    await yard.deliver()

    expect(await yard.read(id)).toMatchObject({
      state: 'failed',
      problem: { code: 'out-of-band-change', commit: theirs, detail: expect.stringContaining('symlink') },
    })
    expect(yard.stage.foreign(['rev-parse', 'main'])).toBe(theirs)
  })

  test('who rewrote the history stops the branch and fails nothing, until an administrator accepts', async () => {
    await yard.ask(create('a', 1))
    await yard.deliver()
    const ours = yard.stage.foreign(['rev-parse', 'main'])
    yard.stage.foreign(['update-ref', '-d', 'refs/heads/main'])
    const head = yard.stage.foreignCommit({ README: 'a new beginning' })
    const id = await yard.ask(create('b', 1))

    expect(await yard.deliver()).toEqual({ retryInMs: expect.any(Number) })

    expect(await yard.branch()).toMatchObject({ state: 'history-rewritten', head: ours, detail: expect.stringContaining(head) })
    expect(await yard.read(id)).toMatchObject({ state: 'queued', hold: { kind: 'history-rewritten' } })
    expect(await accept('1'.repeat(40))).toBe(true)
    expect(await yard.deliver()).toEqual({ retryInMs: expect.any(Number) })
    expect(await yard.branch()).toMatchObject({ state: 'history-rewritten' })
    expect(await accept(head)).toBe(true)
    expect(await yard.deliver()).toBe('done')
    expect(await yard.state(id)).toBe('committed')
    expect(await yard.branch()).toMatchObject({ state: 'ok' })
    expect(Object.keys(yard.tree()).toSorted()).toEqual(['README', yard.path('b')].toSorted())
    expect(await accept(head)).toBe(false)
  })

  test('who rewrote the history and put it back is forgiven, with nothing waiting too', async () => {
    await yard.ask(create('a', 1))
    await yard.deliver()
    const ours = yard.stage.foreign(['rev-parse', 'main'])
    const id = await yard.ask(create('b', 1))
    yard.stage.foreign(['update-ref', '-d', 'refs/heads/main'])
    await yard.deliver()
    expect(await yard.branch()).toMatchObject({ state: 'history-rewritten' })
    expect(await cancelRequest(house.context, ann, id)).toMatchObject({ ok: true })
    yard.stage.foreign(['update-ref', 'refs/heads/main', ours])

    expect(await visited()).toContain(await yard.branchId())
    await yard.deliver()

    expect(await yard.branch()).toMatchObject({ state: 'ok', detail: null })
    expect(await visited()).not.toContain(await yard.branchId())
  })
})

describe('a repository that is away', () => {
  test('is waited for: requests stay, can be cancelled, and are delivered when it is back', async () => {
    await yard.ask(create('a', 1))
    await yard.deliver()
    const [cancelled, waiting] = [await yard.ask(create('b', 1)), await yard.ask(create('c', 1))]
    renameSync(yard.stage.repository, `${yard.stage.repository}.away`)

    expect(await yard.deliver()).toEqual({ retryInMs: expect.any(Number) })

    expect(await yard.branch()).toMatchObject({ state: 'unreachable', detail: "'the repository' does not appear to be a git repository" })
    expect(await yard.read(waiting)).toMatchObject({ state: 'queued', hold: { kind: 'unreachable' } })
    expect(await cancelRequest(house.context, ann, cancelled)).toMatchObject({ ok: true })
    expect(await yard.money()).toBe('100+100')
    renameSync(`${yard.stage.repository}.away`, yard.stage.repository)
    expect(await yard.deliver()).toBe('done')
    expect(await states([cancelled, waiting])).toEqual(['cancelled', 'committed'])
    expect(await yard.branch()).toMatchObject({ state: 'ok' })
    expect(yard.log()).toHaveLength(2)
  })

  test('when it goes between fetch and push, is waited for with the claims kept: too late to cancel', async () => {
    const id = await yard.ask(create('a', 1))
    const away = () => renameSync(yard.stage.repository, `${yard.stage.repository}.away`)

    expect(await yard.deliver({ reach: (step) => (step === 'stored' ? away() : undefined) })).toEqual({ retryInMs: expect.any(Number) })

    expect(await yard.branch()).toMatchObject({ state: 'unreachable' })
    expect(await cancelRequest(house.context, ann, id)).toMatchObject({ ok: false, problem: { code: 'wrong-state' } })
    renameSync(`${yard.stage.repository}.away`, yard.stage.repository)
    expect(await yard.deliver()).toBe('done')
    expect(await yard.state(id)).toBe('committed')
    expect(yard.log()).toHaveLength(1)
  })
})

async function accept(head: string): Promise<boolean> {
  return (await acceptBranch(house.context, house.administrator, { repository: yard.repository, branch: 'main', head })).ok
}

/** What a sweep would look at. */
async function visited(): Promise<readonly string[]> {
  const hinted: string[] = []
  await sweepDeliveries(house.context.database.pool, {
    deliver: (branch) => void hinted.push(branch),
    close: async () => undefined,
    fault: null,
  })
  return hinted
}

/** Attempts that are stored for this yard. */
async function attempts(): Promise<number> {
  const { rows } = await house.context.database.pool.query<{ n: number }>(
    'select count(*)::int as n from delivery_attempt a join delivery d using (request_id) where d.branch_id = $1',
    [await yard.branchId()],
  )
  return rows[0]?.n ?? 0
}

/** How many requests have an attempt that is a child of this commit. */
async function attemptedOn(parent: string): Promise<number> {
  const { rows } = await house.context.database.pool.query<{ sha: string }>(
    'select a.sha from delivery_attempt a join delivery d using (request_id) where d.branch_id = $1',
    [await yard.branchId()],
  )
  const mirror = join(yard.stage.directory, 'mirrors', `${await yard.branchId()}.git`)
  return rows.filter(({ sha }) => yard.stage.foreign(['--git-dir', mirror, 'rev-parse', `${sha}^@`]) === parent).length
}

test('branches are listed with what each can do', async () => {
  await yard.ask(create('a', 1))
  await yard.deliver()

  const branches = await listBranches(house.context, ann)

  expect(branches).toMatchObject({ ok: true })
  expect(branches.ok && branches.value.find((branch) => branch['repository'] === yard.repository)).toMatchObject({
    branch: 'main',
    state: 'ok',
    head: yard.log()[0]?.sha,
    detail: null,
  })
})
