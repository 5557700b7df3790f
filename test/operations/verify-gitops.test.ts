import { mkdirSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBranchHistory } from '../../src/adapters/git/history.ts'
import type { BranchHistory } from '../../src/operations/branch-history.ts'
import { verifyGitops, type Verification } from '../../src/operations/verify-gitops.ts'
import { boxes, create, openHouse, remove, update } from '../support/house.ts'
import { openYard, type Yard } from '../support/yard.ts'

const house = await openHouse()
await house.apply(boxes)

let yard: Yard
let history: BranchHistory
beforeEach(async () => {
  yard = await openYard(house)
  history = createBranchHistory({
    directory: `${yard.stage.directory}/verify`,
    searchPath: process.env['PATH'] ?? '',
    // The repositories of the other yards, and the embedded one, are gone.
    locate: (repository) => (repository === yard.repository ? repository : yard.stage.directory + '/empty.git'),
  })
  yard.stage.foreign(['init', '--bare', '--quiet', `${yard.stage.directory}/empty.git`])
})
afterEach(async () => {
  await history.close()
  await yard.stage.close()
})

type Walked = Omit<Verification, 'pageInfo'> & { readonly branches: number }

/** The walk over this yard's branch, page by page; `after` null: over those of the yards before it too, which are gone. */
async function verify(first = 50, after?: null): Promise<Walked> {
  const start = after === null ? null : Buffer.from(`${await yard.branchId()}.-.0`).toString('base64url')
  let [commits, verified, missing] = [0, 0, 0]
  const problems: Verification['problems'][number][] = []
  const branches = new Set<string>()
  for (let at: string | null = start; ;) {
    const page = await verifyGitops(house.context, history, house.administrator, { first, after: at })
    if (!page.ok) throw new Error(JSON.stringify(page.problem))
    commits += page.value.commits
    verified += page.value.verified
    missing += page.value.missing
    problems.push(...page.value.problems)
    at = page.value.pageInfo.endCursor
    const branch = at === null ? '' : (Buffer.from(at, 'base64url').toString().split('.')[0] ?? '')
    branches.add(branch)
    if (at === null || (start !== null && branch !== (await yard.branchId()))) break
  }
  return { commits, verified, missing, problems, branches: branches.size }
}

/** Its first page. */
async function firstPage(first: number) {
  const after = Buffer.from(`${await yard.branchId()}.-.0`).toString('base64url')
  return verifyGitops(house.context, history, house.administrator, { first, after })
}

/** A commit by somebody else, on top of the branch, with another message than theirs. */
function foreign(files: Record<string, string | null>, message: string): string {
  const made = yard.stage.foreignCommit(files)
  const parents = yard.stage.foreign(['rev-list', '--parents', '-1', made]).split(' ').slice(1)
  const commit = yard.stage.foreign(['commit-tree', `${made}^{tree}`, ...parents.flatMap((parent) => ['-p', parent])], message)
  yard.stage.foreign(['update-ref', 'refs/heads/main', commit])
  return commit
}

describe('what Purser committed is proven', () => {
  test('creates, updates and deletions, every one, on however many pages', async () => {
    for (const change of [create('one', 5), update('one', 6), create('two', 7), remove('one')]) {
      await yard.ask(change)
      await yard.deliver()
    }

    expect(await verify()).toMatchObject({ commits: 4, verified: 4, missing: 0, problems: [] })
    expect(await verify(1)).toMatchObject({ commits: 4, verified: 4, problems: [] })
  })

  test('where what was fetched has been lost since', async () => {
    await yard.ask(create('one', 5))
    await yard.deliver()
    expect(await verify()).toMatchObject({ verified: 1 })
    rmSync(`${yard.stage.directory}/verify/${await yard.branchId()}.git/objects`, { recursive: true })
    mkdirSync(`${yard.stage.directory}/verify/${await yard.branchId()}.git/objects`)

    expect(await verify()).toMatchObject({ commits: 1, verified: 1, missing: 0, problems: [] })
  })

  test('a commit that arrived and is not settled yet', async () => {
    const id = await yard.ask(create('way', 5))
    await expect(
      yard.deliver({
        reach: (step) => {
          if (step === 'pushed') throw new Error('killed')
        },
      }),
    ).rejects.toThrow('killed')

    expect(await yard.state(id)).toBe('queued')
    expect(await verify()).toMatchObject({ commits: 1, verified: 1, problems: [] })
  })

  test('while new commits arrive, none of them is missing', async () => {
    await yard.ask(create('one', 5))
    await yard.deliver()
    const page = await firstPage(200)
    await yard.ask(create('two', 5))
    await yard.deliver()

    const rest = page.ok
      ? await verifyGitops(house.context, history, house.administrator, { first: 200, after: page.value.pageInfo.endCursor })
      : page

    expect(page).toMatchObject({ value: { commits: 1, verified: 1, pageInfo: { hasNextPage: true } } })
    expect(rest).toMatchObject({ value: { commits: 0, missing: 0, problems: [] } })
  })

  test('while new commits arrive, the walk goes on where it began', async () => {
    for (const name of ['a', 'b', 'c']) {
      await yard.ask(create(name, 1))
      await yard.deliver()
    }
    const page = await firstPage(2)
    await yard.ask(create('d', 1))
    await yard.deliver()

    const rest = page.ok
      ? await verifyGitops(house.context, history, house.administrator, { first: 2, after: page.value.pageInfo.endCursor })
      : page

    expect(page).toMatchObject({ value: { commits: 2, verified: 2 } })
    expect(rest).toMatchObject({ value: { commits: 1, verified: 1 } })
  })
})

describe('what nobody approved is named', () => {
  test.each([
    ['names no request', 'fix it quickly', 'It names no request.'],
    ['names a request that never was', 'x\n\nPurser-Request: req_01h455vb4pex5vsknk084sn02q', 'It names a request that there is not.'],
    ['names nonsense', 'x\n\nPurser-Request: req_nonsense', 'It names a request that there is not.'],
    [
      'names two',
      'x\n\nPurser-Request: req_01h455vb4pex5vsknk084sn02q\nPurser-Request: req_01h455vb4pex5vsknk084sn02r',
      'It names several requests.',
    ],
  ])('a commit that %s', async (_, message, reason) => {
    await yard.ask(create('one', 5))
    await yard.deliver()
    const commit = foreign({ 'elsewhere.yaml': 'kind: Pod\n' }, message)

    expect(await verify()).toMatchObject({ commits: 2, verified: 1, problems: [{ commit, path: null, reason }] })
  })

  test('a changed file, even under the trailers of the commit that made it', async () => {
    const id = await yard.ask(create('one', 5))
    await yard.deliver()
    const [made] = yard.log()
    const path = yard.path('one')
    const commit = foreign({ [path]: 'kind: Pod\n', 'extra.yaml': 'a: 1\n' }, made?.body ?? '')

    const { problems, verified } = await verify()

    expect(verified).toBe(1)
    expect(problems).toEqual(
      [
        { path: null, reason: `It was not made for ${id}, which was committed as ${made?.sha}.` },
        { path: 'extra.yaml', reason: `It is not in the plan of ${id}.` },
        { path, reason: `It is not what the plan of ${id} says.` },
      ].map((problem) => ({ repository: yard.repository, branch: 'main', commit, ...problem })),
    )
  })

  test('a commit with copied trailers, though it changes nothing: each request is committed once', async () => {
    await yard.ask(create('one', 5))
    await yard.deliver()
    foreign({}, yard.log()[0]?.body ?? '')

    expect(await verify()).toMatchObject({ commits: 2, verified: 1, problems: [{ path: null }] })
  })

  test('a commit made in the name of a request that still waits', async () => {
    const id = await yard.ask(create('one', 5))
    const digest = String(((await yard.read(id))['plan'] as { digest: string }).digest)
    foreign({ 'a.yaml': 'a: 1\n' }, `x\n\nPurser-Request: ${id}\nPurser-Plan-Digest: ${digest}`)

    const { problems } = await verify()

    expect(problems[0]).toMatchObject({ reason: `It was not made for ${id}, which is queued.` })
  })

  test('a merge, whatever it says', async () => {
    await yard.ask(create('one', 5))
    await yard.deliver()
    const head = yard.stage.foreign(['rev-parse', 'main'])
    const side = yard.stage.foreign(['commit-tree', 'main^{tree}', '-p', head], 'side')
    const merge = yard.stage.foreign(['commit-tree', 'main^{tree}', '-p', head, '-p', side], yard.log()[0]?.body ?? '')
    yard.stage.foreign(['update-ref', 'refs/heads/main', merge])

    const { problems } = await verify()

    expect(problems).toContainEqual(expect.objectContaining({ commit: merge, reason: 'It is a merge, which Purser never makes.' }))
    expect(problems).toContainEqual(expect.objectContaining({ commit: side, reason: 'It names no request.' }))
  })
})

describe('what was committed and is gone is named', () => {
  test.each([1, 50])('commits that somebody took off the branch, however many to a page: %i', async (first) => {
    const ids: string[] = []
    for (const name of ['one', 'two', 'three']) {
      ids.push(await yard.ask(create(name, 5)))
      await yard.deliver()
    }
    const [three, two, one] = yard.log().map(({ sha }) => sha)
    yard.stage.foreign(['update-ref', 'refs/heads/main', one ?? ''])

    const { problems, ...counts } = await verify(first)

    expect(counts).toMatchObject({ commits: 1, verified: 1, missing: 2 })
    expect(problems).toEqual(
      [
        { commit: two, reason: `It is the commit of ${ids[1]}, and is not in the history of the branch.` },
        { commit: three, reason: `It is the commit of ${ids[2]}, and is not in the history of the branch.` },
      ].map((problem) => ({ repository: yard.repository, branch: 'main', path: null, ...problem })),
    )
  })

  test('all of them, where the branch itself is gone', async () => {
    await yard.ask(create('one', 5))
    await yard.deliver()
    yard.stage.foreign(['update-ref', '-d', 'refs/heads/main'])

    expect(await verify()).toMatchObject({ commits: 0, verified: 0, missing: 1 })
    // Of the other yards' branches, which are gone as well, every commit is missing: one walk over all tells all.
    const all = await verify(50, null)
    expect(all.branches).toBeGreaterThan(5)
    expect(all.missing).toBe(all.problems.length)
    expect(all.missing).toBeGreaterThan(5)
  })
})

describe('who may verify', () => {
  test('an administrator with the scope audit:read, and nobody else', async () => {
    const ann = await house.person('ann@example.com')
    const scopeless = { ...house.administrator, scopes: new Set(['read'] as const) }

    for (const [caller, needs] of [
      [ann, 'platform role administrator or auditor'],
      [scopeless, 'scope audit:read'],
    ] as const) {
      expect(await verifyGitops(house.context, history, caller, { first: 1, after: null })).toMatchObject({
        problem: { code: 'forbidden', needs },
      })
    }
  })

  test.each(['nonsense', 'x.y.z'])('a cursor that is none is refused: %s', async (text) => {
    const after = Buffer.from(text).toString('base64url')
    expect(await verifyGitops(house.context, history, house.administrator, { first: 1, after })).toMatchObject({
      problem: { code: 'invalid' },
    })
  })

  test('a repository that cannot be reached is said so, not passed over', async () => {
    await yard.ask(create('one', 5))
    yard.stage.foreign(['config', 'core.repositoryformatversion', '99'])

    const page = await verify().catch((error: unknown) => String(error))

    expect(page).toContain('unavailable')
  })
})
