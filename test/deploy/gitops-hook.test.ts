import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, afterAll, describe, expect, test } from 'vitest'
import { createStage, plan, type Stage } from '../adapters/git-repositories.ts'
import { makeKey, type Key } from '../adapters/git-servers.ts'

/** The hook of deploy/gitops-hooks in a real repository, and what people push to it by git's own receive-pack. */

const hook = join(import.meta.dirname, '../../deploy/gitops-hooks/pre-receive')
const own = 'tenants/red/dev/orders-db/00-a.yaml'
const request = `Purser-Request: req_${'0'.repeat(26)}`

let keys: { readonly purser: Key; readonly other: Key }
let keyStage: Stage
beforeAll(async () => {
  keyStage = await createStage()
  keys = { purser: makeKey(join(keyStage.directory, 'purser')), other: makeKey(join(keyStage.directory, 'other')) }
})
afterAll(() => keyStage.close())

let stage: Stage
let head: string
beforeEach(async () => {
  stage = await createStage()
  head = stage.foreignCommit({ 'README.md': 'ours', [own]: 'a: 1\n', 'tenants/red/dev/other/00-a.yaml': 'b: 1\n' })
  install()
})
afterEach(() => stage.close())

function install(conf = 'branch main\npath tenants/*/dev\npath tenants/*/prod\nsigners purser-signers\n'): void {
  stage.foreign(['config', 'receive.fsckObjects', 'true'])
  const hooks = join(stage.repository, 'hooks')
  mkdirSync(hooks, { recursive: true })
  copyFileSync(hook, join(hooks, 'pre-receive'))
  writeFileSync(join(hooks, 'purser.conf'), conf)
  writeFileSync(join(hooks, 'purser-signers'), `purser@purser.dev namespaces="git" ${keys.purser.public}\n`)
}

type Entry = string | null | { readonly mode: string; readonly content: string }
type Attempt = {
  readonly files?: Readonly<Record<string, Entry>>
  readonly message?: string
  readonly by?: 'purser' | 'other' | null
  readonly parents?: readonly string[]
}

/** Git in a clone of somebody's own. */
function local(args: readonly string[], input = '', index = join(stage.directory, 'index')): string {
  const person = ['NAME', 'EMAIL'].flatMap((part) => ['AUTHOR', 'COMMITTER'].map((role) => [`GIT_${role}_${part}`, 'mallory@example.com']))
  return execFileSync('git', ['--git-dir', join(stage.directory, 'clone'), ...args], {
    input,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: stage.directory,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_INDEX_FILE: index,
      ...(Object.fromEntries(person) as Record<string, string>),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  }).trim()
}

function clone(): void {
  execFileSync('git', ['clone', '--quiet', '--bare', stage.repository, join(stage.directory, 'clone')], { stdio: 'pipe' })
}

/** A commit in the clone: the first parent's tree with these entries. */
function commit({ files = {}, message = `x\n\n${request}\n`, by = 'purser', parents = [head] }: Attempt): string {
  const index = join(stage.directory, `index-${randomUUID()}`)
  if (parents[0] !== undefined) local(['read-tree', parents[0]], '', index)
  const lines = Object.entries(files).map(([path, entry]) => {
    if (entry === null) return `0 ${'0'.repeat(40)}\t${path}\0`
    const { mode, content } = typeof entry === 'string' ? { mode: '100644', content: entry } : entry
    return `${mode} ${mode === '160000' ? content : local(['hash-object', '-w', '--stdin'], content)}\t${path}\0`
  })
  local(['update-index', '-z', '--index-info'], lines.join(''), index)
  const signing = by === null ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${keys[by].file}`]
  return local(
    [
      ...signing,
      'commit-tree',
      ...(by === null ? [] : ['-S']),
      ...parents.flatMap((parent) => ['-p', parent]),
      '-m',
      message,
      local(['write-tree'], '', index),
    ],
    '',
    index,
  )
}

/** Pushes; answers what the hook said, or null when it let it in. */
function push(...refspecs: readonly string[]): string | null {
  const { status, stderr } = spawnSync(
    'git',
    ['--git-dir', join(stage.directory, 'clone'), 'push', '--quiet', stage.repository, ...refspecs],
    {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', HOME: stage.directory, GIT_CONFIG_NOSYSTEM: '1' },
    },
  )
  if (status === 0) return null
  return /purser: (.*?)\s*\n/.exec(stderr)?.[1] ?? stderr
}

const main = () => stage.foreign(['rev-parse', 'main'])
const attempt = (what: Attempt): string | null => push(`+${commit(what)}:refs/heads/main`)

describe('let in', () => {
  beforeEach(clone)

  const allowed: readonly (readonly [string, () => readonly string[]])[] = [
    ['Purser’s own commit', () => [commit({ files: { [own]: 'a: 2\n', 'tenants/blue/prod/x/00-a.yaml': 'x' } })]],
    ['Purser’s deletion', () => [commit({ files: { [own]: null } })]],
    ['Purser’s empty commit', () => [commit({})]],
    ['several of Purser’s', () => [commit({ parents: [commit({ files: { [own]: 'a: 2\n' } })], files: { [own]: 'a: 3\n' } })]],
    ['anybody’s commit elsewhere', () => [commit({ by: null, message: 'x', files: { 'README.md': 'mine', 'tenants/red/README': 'x' } })]],
    [
      'a merge of work elsewhere into the branch',
      () => [commit({ by: null, message: 'merge', parents: [head, commit({ by: null, message: 'x', files: { 'docs/a': 'a' } })] })],
    ],
    ['anything on another branch', () => [commit({ by: null, files: { [own]: 'evil' } }), 'refs/heads/work']],
  ]
  test.each(allowed)('is %s', (_, make) => {
    const [sha = '', ref = 'refs/heads/main'] = make()

    expect(push(`${sha}:${ref}`)).toBeNull()

    expect(stage.foreign(['rev-parse', ref])).toBe(sha)
  })
})

describe('refused', () => {
  beforeEach(clone)

  const evil = { files: { [own]: 'evil' } } as const
  const notSigned = (path = own) => `changes ${path} and is not signed by Purser's key`
  const refused: readonly (readonly [what: string, attempt: Attempt | (() => Attempt), why: string])[] = [
    ['an unsigned commit', { ...evil, by: null }, notSigned()],
    ['a commit by another key', { ...evil, by: 'other' }, notSigned()],
    ['a deletion by another key', { files: { [own]: null }, by: 'other' }, notSigned()],
    ['a new resource by another key', { files: { 'tenants/new/prod/x': 'x' }, by: 'other' }, notSigned('tenants/new/prod/x')],
    ['a path with odd characters', { files: { 'tenants/red/dev/ü"\n': 'x' }, by: 'other' }, notSigned('tenants/red/dev/?303?274???n')],
    ['another mode of the same file', { files: { [own]: { mode: '100755', content: 'a: 1\n' } }, by: 'other' }, notSigned()],
    ['a file where Purser’s folder is', { files: { [own]: null, 'tenants/red/dev': 'x' }, by: 'other' }, notSigned('tenants/red/dev')],
    [
      'a symlink above Purser’s paths',
      { files: { 'tenants/new': { mode: '120000', content: '/etc' } }, by: null },
      notSigned('tenants/new'),
    ],
    [
      'a submodule above Purser’s paths',
      () => ({ files: { 'tenants/new': { mode: '160000', content: head } }, by: null }),
      notSigned('tenants/new'),
    ],
    ['a forged request', { files: { 'docs/a': 'a' }, by: null }, "names a request of Purser and is not signed by Purser's key"],
    ['Purser’s key on another path', { files: { [own]: 'a: 2\n', 'docs/a': 'a' } }, "changes docs/a, which is not below Purser's paths"],
    [
      'Purser’s key, and a symlink',
      { files: { 'tenants/red/dev/l': { mode: '120000', content: '/etc' } } },
      'makes tenants/red/dev/l something else than a plain file',
    ],
    [
      'Purser’s key, and a program',
      { files: { 'tenants/red/dev/l': { mode: '100755', content: 'x' } } },
      'makes tenants/red/dev/l something else than a plain file',
    ],
    ['Purser’s key, and no request', { ...evil, message: 'x' }, 'and names not exactly one request'],
    [
      'Purser’s key, and a request in the text only',
      { ...evil, message: `x\n\n${request}\n\nmore text` },
      'and names not exactly one request',
    ],
    ['Purser’s key, and two requests', { ...evil, message: `x\n\n${request}\n${request}` }, 'and names not exactly one request'],
    ['Purser’s key, and what is no request', { ...evil, message: 'x\n\nPurser-Request: all' }, 'and names not exactly one request'],
    ['Purser’s key, and a merge', () => ({ ...evil, parents: [head, commit({ files: { [own]: 'b' } })] }), 'and is a merge'],
    [
      'a change hidden in a merge',
      () => ({
        by: null,
        message: 'merge',
        files: evil.files,
        parents: [head, commit({ by: null, message: 'x', files: { 'docs/a': 'a' } })],
      }),
      notSigned(),
    ],
    [
      'a change that comes in by a merge',
      () => ({ by: null, message: 'merge', files: evil.files, parents: [head, commit({ ...evil, by: null, message: 'x' })] }),
      notSigned(),
    ],
    ['one bad commit below good ones', () => ({ files: { [own]: 'a: 3\n' }, parents: [commit({ ...evil, by: 'other' })] }), notSigned()],
    [
      'the branch merged into somebody’s own',
      () => ({ by: null, message: 'merge', parents: [commit({ by: null, message: 'x', files: { [own]: null } }), head] }),
      notSigned(),
    ],
    ['another history', { parents: [], files: { a: 'a' } }, 'refs/heads/main only moves forward: fetch, and put your commits on top'],
  ]
  test.each(refused)('is %s', (_, what, why) => {
    expect(attempt(typeof what === 'function' ? what() : what)).toContain(why)

    expect(main()).toBe(head)
  })

  test('is a change that was on another branch before', () => {
    const sha = commit({ ...evil, by: null })
    expect(push(`${sha}:refs/heads/work`)).toBeNull()

    expect(push(`${sha}:refs/heads/main`)).toContain(notSigned())
  })

  test('is taking commits off by force', () => {
    expect(push(`${commit(evil)}:refs/heads/main`)).toBeNull()
    const moved = main()

    expect(push(`+${head}:refs/heads/main`)).toContain('only moves forward')
    expect(push(`+${commit({ files: { [own]: 'b' } })}:refs/heads/main`)).toContain('only moves forward')

    expect(main()).toBe(moved)
  })

  test('is a merge that goes back to what was before Purser’s last commit', () => {
    const last = commit(evil)
    expect(push(`${last}:refs/heads/main`)).toBeNull()

    // Against its first parent it changes nothing.
    const merge = commit({ by: null, message: 'merge', parents: [head, last] })
    expect(push(`${merge}:refs/heads/main`)).toContain(`does not follow ${last}`)
  })

  test('is deleting the branch', () => {
    stage.foreign(['config', 'receive.denyDeleteCurrent', 'ignore'])

    expect(push(':refs/heads/main')).toBe('refs/heads/main is not deleted')
  })

  test('is a branch made anew with a commit of somebody else below the paths', () => {
    stage.foreign(['update-ref', '-d', 'refs/heads/main'])

    expect(push(`${commit({ ...evil, by: null, parents: [] })}:refs/heads/main`)).toContain(notSigned())
  })

  test('is what a replaced commit would hide', () => {
    const bad = commit({ ...evil, by: null, message: 'x' })
    const good = commit({ by: null, message: 'x', files: { 'docs/a': 'a' } })

    expect(push(`${good}:refs/replace/${bad}`)).toBeNull()
    expect(push(`${bad}:refs/heads/main`)).toContain(notSigned())
  })

  test('is a tree that has a name twice', () => {
    const blob = local(['hash-object', '-w', '--stdin'], 'evil')
    const entry = (mode: string, name: string, sha: string) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, 'hex')])
    const file = join(stage.directory, 'tree')
    writeFileSync(
      file,
      Buffer.concat([
        entry('100644', 'a', blob),
        entry('40000', 'tenants', local(['rev-parse', `${head}:tenants`])),
        entry('100644', 'tenants', blob),
      ]),
    )
    const tree = local(['hash-object', '-t', 'tree', '-w', '--literally', file])

    expect(push(`${local(['commit-tree', tree, '-p', head, '-m', 'x'])}:refs/heads/main`)).toContain('contains duplicate file entries')
  })

  test('is the whole push when one of its branches is', () => {
    expect(push(`${commit({ by: null, message: 'x' })}:refs/heads/work`, `${commit({ ...evil, by: null })}:refs/heads/main`)).toContain(
      notSigned(),
    )

    expect(() => stage.foreign(['rev-parse', '--verify', 'refs/heads/work'])).toThrow()
  })

  test.each([
    ['it has no settings', () => rmSync(join(stage.repository, 'hooks/purser.conf'))],
    ['it knows no signers', () => rmSync(join(stage.repository, 'hooks/purser-signers'))],
    ['it does not look into objects', () => stage.foreign(['config', '--unset', 'receive.fsckObjects'])],
    ['it protects no path', () => install('branch main\nsigners purser-signers\n')],
    ['its settings are misspelt', () => install('branches main\npath tenants\nsigners purser-signers\n')],
  ])('is everything where %s', (_, spoil) => {
    const sha = commit({ by: null, message: 'x', files: { 'docs/a': 'a' } })
    spoil()

    expect(push(`${sha}:refs/heads/main`)).toContain('so nothing is let in')
  })
})

test('Purser’s own delivery passes when it signs, and is refused in the hook’s words when it does not', async () => {
  const message = `red/dev: create postgres orders-db\n\n${request}\n`
  const plans = Array.from({ length: 20 }, (_, i) => plan({ message, files: [{ path: `tenants/red/prod/r${i}/00-a.yaml`, content: 'x' }] }))
  const signal = new AbortController().signal
  const open = (access: object) => stage.git.open({ key: stage.key, repository: stage.repository, branch: 'main', access }, signal)
  const deliver = async (access: object) => {
    const branch = open(access)
    const onto = await branch.fetch()
    return branch.push(onto, (await branch.buildCommits(onto, plans)).at(-1)?.sha ?? '')
  }

  expect(await deliver({})).toMatchObject({ kind: 'refused', reason: expect.stringContaining('is not signed by Purser') as string })
  expect(await deliver({ signingKey: { file: keys.purser.file } })).toEqual({ kind: 'pushed' })
})
