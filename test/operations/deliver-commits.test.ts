import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { approveRequest } from '../../src/operations/decide-request.ts'
import { readRequestFiles } from '../../src/operations/read-request-files.ts'
import { ask, boxes, create, idOf, openHouse, remove, update, type Change } from '../support/house.ts'
import { crates, openYard, type Yard } from '../support/yard.ts'

const house = await openHouse()
await house.apply(`${boxes}\n---\n${crates}`)
const ann = await house.person('ann@example.com')
const bob = await house.person('bob@example.com')

let yard: Yard
beforeEach(async () => {
  yard = await openYard(house)
})
afterEach(() => yard.stage.close())

const crate = (name: string, units: number, version = '1.0.0'): Change => ({
  action: 'create',
  blueprint: `crate@${version}`,
  name,
  parameters: { units },
})

describe('a commit', () => {
  test('says who asked, who approved, what and by which plan', async () => {
    const submitted = await ask(house, { ...ann, via: null }, [create('big', 600)], { environment: yard.environment })
    const id = idOf(submitted)
    const { planDigest, policyDigest } = await digestsOf(id)
    await approveRequest(house.context, bob, id, { planDigest })

    expect(await yard.deliver()).toBe('done')

    const [commit, ...others] = yard.log()
    expect(others).toEqual([])
    expect(commit?.author).toMatch(/^ann@example\.com <ann@example\.com> \d+$/)
    expect(commit?.committer).toMatch(/^Purser <purser@purser\.dev> \d+$/)
    expect(commit?.subject).toBe(`red/${yard.environment}: create box big`)
    expect(commit?.trailers).toEqual([
      `Purser-Request: ${id}`,
      'Purser-Requested-By: ann@example.com',
      'Purser-Approved-By: bob@example.com',
      `Purser-Plan-Digest: ${planDigest}`,
      `Purser-Policy-Digest: ${policyDigest}`,
      'Purser-Monthly-Cost: 600.00 EUR',
    ])
    expect(commit?.body).toContain('\n\n    test\n\n')
    expect(await yard.read(id)).toMatchObject({
      state: 'committed',
      delivery: { repository: yard.repository, branch: 'main', commit: commit?.sha },
    })
    expect(await yard.money()).toBe('60000+0')
  })

  test('names the bot that asked on behalf', async () => {
    const via = { principal: house.administrator.principal, subject: 'admin' }
    await ask(house, { ...ann, via }, [create('small', 1)], { environment: yard.environment })

    await yard.deliver()

    expect(yard.log()[0]?.trailers).toContain('Purser-Via: admin')
  })

  test('has the very bytes of the plan, and their digests are what was approved', async () => {
    const id = await yard.ask(crate('a', 3), create('b', 4, { note: 'ünïcödé: "quotes" # and\nlines' }), create('c', 0))
    const files = await readRequestFiles(house.context, ann, id)
    if (!files.ok) throw new Error('no files')

    await yard.deliver()

    const tree = yard.tree()
    const planned = files.value as unknown as { path: string; digest: string; content: string }[]
    expect(tree).toEqual(Object.fromEntries(planned.map((file) => [file.path, file.content])))
    for (const file of planned)
      expect(
        `sha256:${createHash('sha256')
          .update(tree[file.path] ?? '')
          .digest('hex')}`,
      ).toBe(file.digest)
    expect(yard.log()).toHaveLength(1)
  })

  test('is one for each request, in the order of release, and all leave in one push', async () => {
    yard.stage.hook('post-receive', `cat >> ${yard.stage.directory}/pushes`)
    const ids = await yard.askMany(['a', 'b', 'c', 'd', 'e'])

    expect(await yard.deliver()).toBe('done')

    expect(
      yard
        .log()
        .map((commit) => commit.trailers[0])
        .toReversed(),
    ).toEqual(ids.map((id) => `Purser-Request: ${id}`))
    const commits = await Promise.all(ids.map(async (id) => (await yard.read(id))['delivery']))
    expect(commits).toMatchObject(
      yard
        .log()
        .toReversed()
        .map(({ sha }) => ({ commit: sha })),
    )
    expect(await pushes(yard)).toBe(1)
    expect(await yard.money()).toBe('500+0')
  })

  test('of an update touches the files that change and no other', async () => {
    await yard.ask(crate('a', 1), crate('b', 1))
    await yard.deliver()

    await yard.ask(update('a', 2))
    await yard.deliver()

    expect(yard.log()[0]?.changed).toEqual([`M ${yard.path('a')}`])
    expect(yard.tree()[yard.path('a')]).toContain('u2')
    expect(Object.keys(yard.tree())).toHaveLength(4)
  })

  test('of an update that drops a file leaves the others of the resource where they are', async () => {
    await yard.ask(crate('a', 1))
    await yard.deliver()

    const id = await yard.ask({ action: 'update', name: 'a', blueprint: 'crate@2.0.0' })
    await yard.deliver()

    expect(await yard.state(id)).toBe('committed')
    expect(yard.log()[0]?.changed).toEqual([`D ${yard.path('a', '01-service-a.yaml')}`])
    expect(Object.keys(yard.tree())).toEqual([yard.path('a')])
  })

  test('of a delete removes the whole directory of the resource, and its money comes back then', async () => {
    await yard.ask(crate('a', 5), crate('b', 1))
    await yard.deliver()
    const id = await yard.ask(remove('a'))
    expect(await yard.money()).toBe('600+0')

    await yard.deliver()

    expect(await yard.state(id)).toBe('committed')
    expect(Object.keys(yard.tree())).toEqual([yard.path('b'), yard.path('b', '01-service-b.yaml')])
    expect(await yard.money()).toBe('100+0')
  })

  test('is made, empty, where nothing differs: a request is never without its commit', async () => {
    await yard.ask(create('a', 1))
    await yard.deliver()
    const id = await yard.ask(update('a', 1))

    await yard.deliver()

    const [commit] = yard.log()
    expect(commit?.changed).toEqual([])
    expect(await yard.read(id)).toMatchObject({ state: 'committed', delivery: { commit: commit?.sha } })
  })

  test('of changes of many kinds is one all the same', async () => {
    await yard.ask(crate('a', 1), crate('b', 1))
    await yard.deliver()

    await yard.ask(update('a', 7), remove('b'), create('c', 1))
    await yard.deliver()

    expect(yard.log()).toHaveLength(2)
    expect(yard.log()[0]?.changed.toSorted()).toEqual(
      [`A ${yard.path('c')}`, `D ${yard.path('b')}`, `D ${yard.path('b', '01-service-b.yaml')}`, `M ${yard.path('a')}`].toSorted(),
    )
    expect(await yard.money()).toBe('800+0')
  })
})

describe('a batch', () => {
  test('is bounded, and what does not fit follows', async () => {
    yard.stage.hook('post-receive', `cat >> ${yard.stage.directory}/pushes`)
    const ids = await yard.askMany(Array.from({ length: 7 }, (_, i) => `n${i}`))

    expect(await yard.deliver({ batch: { atMost: 3, maxBytes: 1 << 20 } })).toBe('done')

    // In parts of a quarter.
    expect(await pushes(yard)).toBe(7)
    expect(
      yard
        .log()
        .map((commit) => commit.trailers[0])
        .toReversed(),
    ).toEqual(ids.map((id) => `Purser-Request: ${id}`))
  })

  test('is bounded by bytes, and a request larger than the bound goes alone', async () => {
    yard.stage.hook('post-receive', `cat >> ${yard.stage.directory}/pushes`)
    await yard.askMany(['a', 'b', 'c'])

    expect(await yard.deliver({ batch: { atMost: 100, maxBytes: 1 } })).toBe('done')

    expect(await pushes(yard)).toBe(3)
  })
})

async function digestsOf(id: string): Promise<{ planDigest: string; policyDigest: string }> {
  const { rows } = await house.context.database.pool.query<{ planDigest: string; policyDigest: string }>(
    `select plan_digest as "planDigest", policy_digest as "policyDigest" from request where type_id('req', id) = $1`,
    [id],
  )
  if (rows[0] === undefined) throw new Error('no request')
  return rows[0]
}

/** How often the branch was moved, by what a post-receive hook wrote. It runs after the answer, so it is waited for. */
async function pushes(on: Yard): Promise<number> {
  return vi.waitUntil(() => {
    const lines = readFileSync(`${on.stage.directory}/pushes`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
    return lines.at(-1)?.split(' ')[1] === on.stage.foreign(['rev-parse', 'main']) ? lines.length : false
  })
}
