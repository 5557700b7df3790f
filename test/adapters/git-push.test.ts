import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createGitBranches } from '../../src/adapters/git/branches.ts'
import { createRepository } from '../../src/adapters/git/create-repository.ts'
import { lastWords } from '../../src/adapters/git/faults.ts'
import { GitFault, type GitBranch, type Head } from '../../src/operations/ports.ts'
import { createStage, plan, type Stage } from './git-repositories.ts'

let stage: Stage
beforeEach(async () => {
  stage = await createStage()
})
afterEach(() => stage.close())

/** Fetches and builds one commit, ready to be pushed. */
async function prepare(branch: GitBranch, path = 'tenants/payments/prod/orders-db/00-a.yaml'): Promise<{ head: Head; sha: string }> {
  const head = await branch.fetch()
  const [built] = await branch.buildCommits(head, [plan({ files: [{ path, content: 'a: 1\n' }] })])
  return { head, sha: built?.sha ?? '' }
}

describe('a push', () => {
  test('makes the branch, then moves it on, and hooks see both', async () => {
    const log = join(stage.directory, 'hook.log')
    stage.hook('post-receive', `cat >> ${log}`)
    const branch = stage.open()

    const first = await prepare(branch)
    expect(await branch.push(first.head, first.sha)).toEqual({ kind: 'pushed' })
    const second = await prepare(branch, 'b')
    expect(await branch.push(second.head, second.sha)).toEqual({ kind: 'pushed' })

    expect(second.head).toBe(first.sha)
    expect(stage.foreign(['rev-parse', 'main'])).toBe(second.sha)
    await vi.waitFor(() =>
      expect(readFileSync(log, 'utf8')).toBe(
        `${'0'.repeat(40)} ${first.sha} refs/heads/main\n${first.sha} ${second.sha} refs/heads/main\n`,
      ),
    )
  })

  test('again, of what is there already, is no trouble', async () => {
    const branch = stage.open()
    const { head, sha } = await prepare(branch)
    await branch.push(head, sha)

    expect(await branch.push(head, sha)).toEqual({ kind: 'pushed' })
  })

  test.each([
    ['somebody pushed meanwhile', (on: Stage) => on.foreignCommit({ other: '1' })],
    [
      'somebody rewrote the branch',
      (on: Stage) => {
        on.foreign(['update-ref', 'refs/heads/main', 'main~1'])
        return on.foreignCommit({ other: '1' })
      },
    ],
    [
      'somebody took the last commit off',
      (on: Stage) => {
        on.foreign(['update-ref', 'refs/heads/main', 'main~1'])
        return on.foreign(['rev-parse', 'main'])
      },
    ],
    [
      'somebody deleted the branch',
      (on: Stage) => {
        on.foreign(['update-ref', '-d', 'refs/heads/main'])
        return null
      },
    ],
  ])('loses when %s, and nothing of theirs is undone', async (_, act) => {
    stage.foreignCommit({ a: '1' })
    stage.foreignCommit({ a: '2' })
    const branch = stage.open()
    const { head, sha } = await prepare(branch)

    const theirs = act(stage)
    const outcome = await branch.push(head, sha)

    expect(outcome).toEqual({ kind: 'non-fast-forward' })
    expect(await branch.fetch()).toBe(theirs)
  })

  test('loses when somebody made the branch that was not there', async () => {
    const branch = stage.open()
    const { head, sha } = await prepare(branch)
    const theirs = stage.foreignCommit({ a: '1' })

    expect(await branch.push(head, sha)).toEqual({ kind: 'non-fast-forward' })
    expect(await branch.fetch()).toBe(theirs)
  })

  test('loses when somebody is quicker while a hook thinks', async () => {
    stage.foreignCommit({ a: '1' })
    const branch = stage.open()
    const { head, sha } = await prepare(branch)
    const [thinking, go] = [join(stage.directory, 'thinking'), join(stage.directory, 'go')]
    stage.hook('pre-receive', `touch ${thinking}; while [ ! -e ${go} ]; do sleep 0.01; done`)

    const pushing = branch.push(head, sha)
    await vi.waitFor(() => expect(existsSync(thinking)).toBe(true), { timeout: 10_000 })
    const theirs = stage.foreignCommit({ a: '2' })
    writeFileSync(go, '')

    expect(await pushing).toEqual({ kind: 'non-fast-forward' })
    expect(stage.foreign(['rev-parse', 'main'])).toBe(theirs)
  })

  test('that is no fast-forward is a bug of ours and never leaves', async () => {
    const old = stage.foreignCommit({ a: '1' })
    const head = stage.foreignCommit({ a: '2' })
    const branch = stage.open()
    await branch.fetch()
    const [sideways] = await branch.buildCommits(old, [plan()])

    await expect(branch.push(head, sideways?.sha ?? '')).rejects.toThrow(/^bug: /)
    await expect(branch.push(head, old)).rejects.toThrow(/^bug: /)
    expect(stage.foreign(['rev-parse', 'main'])).toBe(head)
  })
})

describe('a refusal', () => {
  test('by pre-receive comes back in the words of the hook; another path is accepted on the same head', async () => {
    stage.hook(
      'pre-receive',
      `while read old new ref; do
      if git ls-tree -r --name-only $new | grep -q forbidden; then echo "Only platform may write here" >&2; echo; printf '  ask \\033[31m#platform\\033[0m at https://me:hunter2@git.example.com/ \\n' >&2; exit 1; fi
    done`,
    )
    const branch = stage.open()
    const refused = await prepare(branch, 'forbidden/x')

    const outcome = await branch.push(refused.head, refused.sha)
    const accepted = await prepare(branch, 'allowed/x')

    expect(outcome).toEqual({ kind: 'refused', reason: 'Only platform may write here\nask  [31m#platform [0m at https://git.example.com/' })
    expect(await branch.push(accepted.head, accepted.sha)).toEqual({ kind: 'pushed' })
  })

  test('by update comes back too, and by a hook that says nothing in the words of git', async () => {
    const branch = stage.open()
    const { head, sha } = await prepare(branch)

    stage.hook('update', 'echo "not on $1" >&2; exit 1')
    expect(await branch.push(head, sha)).toEqual({ kind: 'refused', reason: 'not on refs/heads/main' })
    stage.hook('update', 'exit 1')
    expect(await branch.push(head, sha)).toEqual({ kind: 'refused', reason: 'hook declined' })
  })

  test('is bounded, however much the hook says', async () => {
    stage.hook('pre-receive', 'i=0; while [ $i -lt 3000 ]; do echo "this is line $i of a long complaint" >&2; i=$((i+1)); done; exit 1')
    const branch = stage.open()
    const { head, sha } = await prepare(branch)

    const outcome = await branch.push(head, sha)

    expect(outcome.kind === 'refused' && outcome.reason.length).toBeLessThanOrEqual(1_000)
    expect(outcome.kind === 'refused' && outcome.reason.split('\n').length).toBeLessThanOrEqual(20)
  })
})

describe('trouble', () => {
  test('a repository that is gone is waited for, and comes back', async () => {
    const head = stage.foreignCommit({ a: '1' })
    const branch = stage.open()
    const prepared = await prepare(branch)
    renameSync(stage.repository, `${stage.repository}.away`)

    await expect(branch.push(prepared.head, prepared.sha)).rejects.toMatchObject({ name: 'GitFault', kind: 'wait' })
    const fault: unknown = await branch.fetch().catch((error: unknown) => error)
    renameSync(`${stage.repository}.away`, stage.repository)

    expect(fault).toMatchObject({ kind: 'wait', detail: "'the repository' does not appear to be a git repository" })
    expect(await branch.fetch()).toBe(head)
  })

  test('a ref that somebody keeps locked is no lost race, and nobody refused anything', async () => {
    stage.foreignCommit({ a: '1' })
    const branch = stage.open()
    const { head, sha } = await prepare(branch)
    writeFileSync(join(stage.repository, 'refs/heads/main.lock'), '')

    await expect(branch.push(head, sha)).rejects.toMatchObject({ name: 'GitFault', kind: 'again' })

    rmSync(join(stage.repository, 'refs/heads/main.lock'))
    expect(await branch.push(head, sha)).toEqual({ kind: 'pushed' })
  })

  test('a hook that does not end is ended after the limit, and leaves no process and no lock', async () => {
    const impatient = createGitBranches({
      directory: join(stage.directory, 'mirrors'),
      searchPath: process.env['PATH'] ?? '',
      timeouts: { localMs: 60_000, remoteMs: 1_000, cloneMs: 60_000 },
    })
    const branch = impatient.open(
      { key: stage.key, repository: stage.repository, branch: 'main', access: {} },
      new AbortController().signal,
    )
    const { head, sha } = await prepare(branch)
    stage.hook('pre-receive', 'sleep 600 & wait')

    await expect(branch.push(head, sha)).rejects.toMatchObject({ kind: 'again', detail: 'no answer within 1 s' })

    expect(stage.strayProcesses()).toEqual([])
    rmSync(join(stage.repository, 'hooks/pre-receive'))
    expect(await branch.push(head, sha)).toEqual({ kind: 'pushed' })
  })

  test('a lost branch lock ends a push under way, hook and all, and nothing arrives', async () => {
    const lock = new AbortController()
    const branch = stage.open(lock.signal)
    const { head, sha } = await prepare(branch)
    const thinking = join(stage.directory, 'thinking')
    stage.hook('pre-receive', `touch ${thinking}; while true; do sleep 0.01; done`)

    const pushing = branch.push(head, sha)
    pushing.catch(() => undefined)
    await vi.waitFor(() => expect(existsSync(thinking)).toBe(true), { timeout: 10_000 })
    lock.abort(new Error('the connection dropped'))

    await expect(pushing).rejects.toMatchObject({ kind: 'again', cause: { message: 'the connection dropped' } })
    expect(stage.strayProcesses()).toEqual([])
    expect(() => stage.foreign(['rev-parse', '--verify', 'main'])).toThrow()
    await expect(branch.fetch()).rejects.toBeInstanceOf(GitFault)
  })

  test('closing ends everything', async () => {
    const branch = stage.open()
    const { head, sha } = await prepare(branch)
    const thinking = join(stage.directory, 'thinking')
    stage.hook('pre-receive', `touch ${thinking}; while true; do sleep 0.01; done`)
    const pushing = branch.push(head, sha)
    pushing.catch(() => undefined)
    await vi.waitFor(() => expect(existsSync(thinking)).toBe(true), { timeout: 10_000 })

    await stage.git.close()

    expect(stage.strayProcesses()).toEqual([])
    await expect(pushing).rejects.toMatchObject({ kind: 'again' })
    await expect(branch.fetch()).rejects.toMatchObject({ kind: 'again' })
  })

  test('no git program, a repository that is none, an odd branch: a person must look', async () => {
    const nothing = mkdtempSync(join(tmpdir(), 'purser-nothing-'))
    const without = createGitBranches({ directory: nothing, searchPath: nothing })
    const ref = { key: randomUUID(), repository: stage.repository, branch: 'main', access: {} }

    await expect(without.open(ref, new AbortController().signal).fetch()).rejects.toMatchObject({ kind: 'stop' })
    for (const repository of [
      '-x',
      'relative',
      'ext::sh -c id',
      'http://git.example.com/x',
      'https://bot:password@git.example.com/x',
      'https://git.example.com/../x',
      'ssh://-oProxyCommand=id/x',
      'ssh://-l@git.example.com/x',
      'git@git.example.com:x',
      'git://git.example.com/x',
    ]) {
      expect(() => stage.git.open({ ...ref, repository }, new AbortController().signal)).toThrow(GitFault)
    }
    const keyless = stage.git.open({ ...ref, repository: 'ssh://git@git.example.com/x' }, new AbortController().signal)
    await expect(keyless.fetch()).rejects.toMatchObject({ kind: 'stop' })
    for (const branch of ['', '-x', 'a..b', 'a:b', '*', 'a b', 'x.lock', '/a', 'a/', '@{u}', 'a\nb']) {
      expect(() => stage.git.open({ ...ref, branch }, new AbortController().signal)).toThrow(GitFault)
    }
    rmSync(nothing, { recursive: true })
  })

  test.skipIf(process.getuid?.() !== 0)('a repository that belongs to somebody else is read and written', async () => {
    const head = stage.foreignCommit({ a: '1' })
    chownSync(stage.repository, 65534, 65534)
    chmodSync(stage.repository, 0o755)
    const branch = stage.open()

    const prepared = await prepare(branch)

    expect(prepared.head).toBe(head)
    expect(await branch.push(prepared.head, prepared.sha)).toEqual({ kind: 'pushed' })
  })

  test('credentials and server paths are not told', () => {
    const words = lastWords(
      "remote: hm\nfatal: unable to access 'https://bot:s3cr3t@git.example.com/x.git' from /srv/data/mirrors/1.git\n",
      [['/srv/data/mirrors/1.git', 'the mirror']],
    )

    expect(words).toBe("unable to access 'https://git.example.com/x.git' from the mirror")
  })
})

test('a repository is made once, and left as it is afterwards', async () => {
  const head = stage.foreignCommit({ a: '1' })

  await createRepository({ directory: join(stage.directory, 'mirrors'), searchPath: process.env['PATH'] ?? '' }, stage.repository, 'other')

  expect(stage.foreign(['symbolic-ref', 'HEAD'])).toBe('refs/heads/main')
  expect(await stage.open().fetch()).toBe(head)
})
