import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  chmodSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createGitBranches } from '../../src/adapters/git/branches.ts'
import { GitFault, type CommitPlan, type GitBranch, type PathState } from '../../src/operations/ports.ts'
import { createStage, plan, treeOf, type Stage } from './git-repositories.ts'

let stage: Stage
beforeEach(async () => {
  stage = await createStage()
})
afterEach(() => stage.close())

const FILE = 'tenants/payments/prod/orders-db/00-a.yaml'

describe('commits', () => {
  test('a commit is what git itself would make of it, byte for byte, so that its id can be known beforehand', async () => {
    const branch = stage.open()
    await branch.fetch()

    const [first] = await branch.buildCommits(null, [plan()])

    const blob = createHash('sha1').update('blob 5\0a: 1\n').digest('hex')
    expect(stage.foreign(['--git-dir', stage.mirror, 'rev-parse', `${first?.sha}:${FILE}`])).toBe(blob)
    const tree = stage.foreign(['--git-dir', stage.mirror, 'rev-parse', `${first?.sha}^{tree}`])
    const seconds = Date.parse('2026-11-24T12:00:00Z') / 1000
    const commit = `tree ${tree}\nauthor Alice <alice@example.com> ${seconds} +0000\ncommitter Purser <purser@example.com> ${seconds} +0000\n\npayments/prod: create postgres orders-db\n\nPurser-Request: req_1\n`
    expect(stage.foreign(['hash-object', '-t', 'commit', '--stdin'], commit)).toBe(first?.sha)
  })

  test('the same plans on the same parent give the same ids, in a new mirror too', async () => {
    const branch = stage.open()
    await branch.fetch()
    const plans = [plan(), plan({ files: [{ path: 'b/c', content: 'ü\n' }] }), plan({ files: [] })]

    const once = await branch.buildCommits(null, plans)
    rmSync(stage.mirror, { recursive: true })
    await branch.fetch()
    const again = await branch.buildCommits(null, plans)

    expect(again).toEqual(once)
    expect(new Set(once.map((built) => built.sha)).size).toBe(3)
  })

  test('the commits of a batch are a chain in the order asked, onto the head', async () => {
    const head = stage.foreignCommit({ README: 'hello\n' })
    const branch = stage.open()
    await branch.fetch()

    const built = await branch.buildCommits(head, [plan(), plan({ files: [{ path: 'x', content: '1' }] })])

    expect(commitsBetween(stage, head, built[1]?.sha ?? '')).toEqual(built.map((b) => b.sha))
    expect(treeOf(stage, built[1]?.sha ?? '')).toEqual({ README: 'hello\n', [FILE]: 'a: 1\n', x: '1' })
  })

  test.each([
    ['line break', 'Eve\ncommitter Root <root@example.com> 1 +0000', 'e\nv@e'],
    ['brackets', 'Eve <eve@evil.example> 1 +0000', 'a><b'],
    ['quotes and nothing', '"Eve"', ''],
    ['nothing at all', '', ''],
    ['a NUL and a lone surrogate', 'E\0ve \ud800', 'eve@example.com'],
  ])('a name with %s cannot say anything but a name', async (_, name, email) => {
    const branch = stage.open()
    await branch.fetch()
    const message = `subject\n\ndone\ncommit refs/heads/evil\nM 100644 inline evil\ndata 4\nevil\n${name}`

    const [built] = await branch.buildCommits(null, [
      plan({ message, author: { name, email }, files: [{ path: FILE, content: 'data 5\ndone\n' }] }),
    ])

    const raw = execFileSync('git', ['--git-dir', stage.mirror, 'cat-file', 'commit', built?.sha ?? ''], { encoding: 'utf8' })
    const [head = '', ...body] = raw.split('\n\n')
    expect(head.split('\n')).toHaveLength(3)
    expect(head.split('\n')[1]).toMatch(/^author [^<>]+ <[^<>]*> \d+ \+0000$/)
    expect(body.join('\n\n')).toBe(Buffer.from(message.replaceAll('\0', '')).toString())
    expect(treeOf(stage, built?.sha ?? '')).toEqual({ [FILE]: 'data 5\ndone\n' })
    expect(execFileSync('git', ['--git-dir', stage.mirror, 'fsck', '--strict', '--no-dangling'], { encoding: 'utf8', stdio: 'pipe' })).toBe(
      '',
    )
  })

  test.each([
    '/etc/passwd',
    '../x',
    'a/../b',
    'a//b',
    'a/',
    '',
    '.',
    '.git/config',
    'a/.GIT/hooks/x',
    'a/.git /x',
    'git~1/x',
    'a\nb',
    'a\u0000b',
    'a\\b',
    '\ud800',
  ])('the path %j is never written, whoever asks', async (path) => {
    const branch = stage.open()
    await branch.fetch()

    await expect(branch.buildCommits(null, [plan({ files: [{ path, content: '' }] })])).rejects.toThrow(/^bug: /)
    await expect(branch.buildCommits(null, [plan({ files: [{ path, content: null }] })])).rejects.toThrow(/^bug: /)
  })

  test('any sequence of plans gives the trees that a map of files gives', async () => {
    const branch = stage.open()
    await branch.fetch()
    const segment = fc.constantFrom('a', 'b', 'ä', 'with space', '"quoted"', "it's", '-x')
    // Every file one level below a directory, so that no file is ever asked for where a directory is.
    const path = fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), segment)
      .map(([folders, file]) => [...folders.map((f) => `d-${f}`), `f-${file}`].join('/'))
    const content = fc.oneof(
      { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
      { weight: 2, arbitrary: fc.constant(null) },
    )
    const files = fc.uniqueArray(fc.record({ path, content }), { selector: (file) => file.path, maxLength: 6 })

    await fc.assert(
      fc.asyncProperty(fc.array(files, { minLength: 1, maxLength: 6 }), async (sequence) => {
        const built = await branch.buildCommits(
          null,
          sequence.map((changes): CommitPlan => plan({ files: changes })),
        )

        const model: Record<string, string> = {}
        for (const [index, changes] of sequence.entries()) {
          for (const file of changes) {
            if (file.content === null) delete model[file.path]
            else model[file.path] = Buffer.from(file.content).toString()
          }
          const sha = built[index]?.sha ?? ''
          const states = await branch.readPaths(sha, [...new Set(sequence.flat().map((file) => file.path))])
          expect(listOf(states)).toEqual(Object.fromEntries(Object.entries(model).map(([name, text]) => [name, digestOf(text)])))
        }
        expect(treeOf(stage, built.at(-1)?.sha ?? '')).toEqual(model)
      }),
      { numRuns: 25 },
    )
  })
})

describe('looking', () => {
  test('every asked path is told apart: absent, file, directory, and what is in the way', async () => {
    const head = stage.foreignCommit({
      'tenants/payments/prod/orders-db/00-a.yaml': 'a: 1\n',
      'tenants/payments/prod/orders-db/sub/x': 'x',
      'tenants/link': { link: '../../etc' },
      'tenants/module': { gitlink: '1'.repeat(40) },
      'tenants/payments/file': 'plain',
    })
    const branch = stage.open()
    await branch.fetch()

    const states = await branch.readPaths(head, [
      FILE,
      'tenants/payments/prod/orders-db',
      'tenants/payments/prod/other',
      'tenants/payments/prod/other/00-a.yaml',
      'tenants/link',
      'tenants/link/prod/x',
      'tenants/module/x',
      'tenants/payments/file/x/y',
      'tenants/payments/file',
    ])

    expect(Object.fromEntries(states)).toEqual({
      [FILE]: { kind: 'file', blob: createHash('sha1').update('blob 5\0a: 1\n').digest('hex'), digest: digestOf('a: 1\n') },
      'tenants/payments/prod/orders-db': { kind: 'directory', entries: [FILE, 'tenants/payments/prod/orders-db/sub/x'] },
      'tenants/payments/prod/other': { kind: 'absent' },
      'tenants/payments/prod/other/00-a.yaml': { kind: 'absent' },
      'tenants/link': { kind: 'blocked', at: 'tenants/link', by: 'symlink' },
      'tenants/link/prod/x': { kind: 'blocked', at: 'tenants/link', by: 'symlink' },
      'tenants/module/x': { kind: 'blocked', at: 'tenants/module', by: 'submodule' },
      'tenants/payments/file/x/y': { kind: 'blocked', at: 'tenants/payments/file', by: 'file' },
      'tenants/payments/file': expect.objectContaining({ kind: 'file', digest: digestOf('plain') }),
    })
  })

  test('a branch that does not exist has nothing anywhere', async () => {
    const branch = stage.open()

    expect(await branch.fetch()).toBeNull()
    expect(Object.fromEntries(await branch.readPaths(null, [FILE]))).toEqual({ [FILE]: { kind: 'absent' } })
  })

  test('a file larger than a pipe holds has its true digest, and the one after it too', async () => {
    const big = 'x'.repeat(3_000_000)
    const head = stage.foreignCommit({ 'a/big': big, 'a/empty': '', 'a/small': 's' })
    const branch = stage.open()
    await branch.fetch()

    const states = await branch.readPaths(head, ['a/big', 'a/empty', 'a/small'])

    expect(listOf(states)).toEqual({ 'a/big': digestOf(big), 'a/empty': digestOf(''), 'a/small': digestOf('s') })
  })

  test('who touched a path last is named, for a deletion too', async () => {
    stage.foreignCommit({ [FILE]: 'a: 1\n' })
    const changed = stage.foreignCommit({ [FILE]: 'a: 2\n' })
    stage.foreignCommit({ other: '1' })
    const gone = stage.foreignCommit({ [FILE]: null })
    const branch = stage.open()
    await branch.fetch()

    expect(await branch.lastChange(`${gone}`, FILE)).toMatchObject({
      commit: gone,
      author: { name: 'Mallory', email: 'mallory@example.com' },
      subject: 'by hand',
    })
    expect(await branch.lastChange(changed, FILE)).toMatchObject({ commit: changed })
    expect(await branch.lastChange(changed, 'nowhere')).toBeNull()
    expect(await branch.lastChange(changed, '*')).toBeNull()
  })
})

describe('history', () => {
  test('a commit is an ancestor of what was built on it, of nothing else, and an unknown one of nothing', async () => {
    const first = stage.foreignCommit({ a: '1' })
    const second = stage.foreignCommit({ a: '2' })
    const branch = stage.open()
    await branch.fetch()
    const [never] = await branch.buildCommits(first, [plan()])

    expect(await branch.isAncestor(first, second)).toBe(true)
    expect(await branch.isAncestor(second, second)).toBe(true)
    expect(await branch.isAncestor(second, first)).toBe(false)
    expect(await branch.isAncestor(never?.sha ?? '', second)).toBe(false)
    expect(await branch.isAncestor('1'.repeat(40), second)).toBe(false)
    const asked = [first, second, never?.sha ?? '', '1'.repeat(40)]
    expect(await branch.findInHistory(second, asked)).toEqual(new Set([first, second]))
    expect(await branch.findInHistory(first, asked)).toEqual(new Set([first]))
    expect(await branch.findInHistory(first, ['1'.repeat(40)])).toEqual(new Set())
    expect(await branch.findInHistory(first, [])).toEqual(new Set())
  })

  test('a rewritten history is seen: the old head is no ancestor of the new one', async () => {
    const kept = stage.foreignCommit({ a: '1' })
    const dropped = stage.foreignCommit({ a: '2' })
    const branch = stage.open()
    expect(await branch.fetch()).toBe(dropped)

    stage.foreign(['update-ref', 'refs/heads/main', kept])
    const other = stage.foreignCommit({ b: '1' })

    expect(await branch.fetch()).toBe(other)
    expect(await branch.isAncestor(dropped, other)).toBe(false)
    expect(await branch.isAncestor(kept, other)).toBe(true)
  })

  const questions = {
    isAncestor: (branch: GitBranch, commit: string, head: string) => branch.isAncestor(commit, head),
    findInHistory: async (branch: GitBranch, commit: string, head: string) => (await branch.findInHistory(head, [commit])).has(commit),
  }
  describe.each(['isAncestor', 'findInHistory'] as const)('asked for by %s', (question) => {
    test.each(['the one asked for', 'one on the way'])('a damaged mirror never counts as a no: %s is missing', async (which) => {
      const ask = questions[question]
      const first = stage.foreignCommit({ a: '1' })
      const middle = stage.foreignCommit({ a: '2' })
      const last = stage.foreignCommit({ a: '3' })
      const branch = stage.open()
      await branch.fetch()
      const [asked, missing] = which === 'one on the way' ? [first, middle] : [middle, middle]
      rmSync(join(stage.mirror, 'objects', missing.slice(0, 2), missing.slice(2)))

      await expect(ask(branch, asked, last)).rejects.toMatchObject({ kind: 'again' })
      await branch.fetch()
      expect(await ask(branch, asked, last)).toBe(true)
    })
  })

  test('what was whole once and lost a commit since is no rewritten history', async () => {
    const first = stage.foreignCommit({ a: '1' })
    const head = stage.foreignCommit({ a: '2' })
    const branch = stage.open()
    await branch.fetch()
    expect(await branch.isAncestor('1'.repeat(40), head)).toBe(false)
    rmSync(join(stage.mirror, 'objects', first.slice(0, 2), first.slice(2)))

    await expect(branch.isAncestor(first, head)).rejects.toMatchObject({ kind: 'again' })
    await branch.fetch()
    expect(await branch.isAncestor(first, head)).toBe(true)
  })
})

describe('the private mirror', () => {
  test('is made anew when it was deleted, and no round fails for it', async () => {
    const head = stage.foreignCommit({ [FILE]: 'a: 1\n' })
    const branch = stage.open()
    await branch.fetch()
    rmSync(join(stage.directory, 'mirrors'), { recursive: true })

    await expect(branch.readPaths(head, [FILE])).rejects.toMatchObject({ name: 'GitFault' })
    expect(await branch.fetch()).toBe(head)
    expect(listOf(await branch.readPaths(head, [FILE]))).toEqual({ [FILE]: digestOf('a: 1\n') })
  })

  const damages: readonly [string, (mirror: string) => void][] = [
    [
      'objects are cut off',
      (mirror) =>
        forEachFile(join(mirror, 'objects'), (file) => {
          chmodSync(file, 0o644)
          truncateSync(file, 3)
        }),
    ],
    ['all objects are gone', (mirror) => rmSync(join(mirror, 'objects'), { recursive: true })],
    ['HEAD is garbage', (mirror) => writeFileSync(join(mirror, 'HEAD'), 'garbage')],
    ['the config is garbage', (mirror) => appendFileSync(join(mirror, 'config'), '[[[')],
    ['a killed git left its locks', (mirror) => forEachFile(join(mirror, 'refs'), (file) => writeFileSync(`${file}.lock`, ''))],
  ]
  test.each(damages)('heals within two rounds when %s', async (_, damage) => {
    stage.foreignCommit({ [FILE]: 'a: 1\n' })
    await round(stage)
    damage(stage.mirror)
    const head = stage.foreignCommit({ [FILE]: 'a: 2\n' })

    const first = await round(stage).catch((error: unknown) => error)
    const result = first instanceof GitFault ? await round(stage) : first

    if (first instanceof GitFault) expect(first.kind).toBe('again')
    expect(result).toEqual({ parent: head, digest: digestOf('a: 2\n') })
  })

  test('takes away what a killed process left half made or half removed, and nothing that is in the making', async () => {
    const mirrors = join(stage.directory, 'mirrors')
    const left = ['old', 'new'].map((kind) => join(mirrors, `${kind}-${stage.key}.git`))
    const fresh = join(mirrors, `new-${randomUUID()}.git`)
    for (const folder of [...left, fresh]) mkdirSync(join(folder, 'objects'), { recursive: true })
    for (const folder of left) utimesSync(folder, 1, 1)

    await stage.open().fetch()

    expect([...left, fresh].filter((folder) => existsSync(folder))).toEqual([fresh])
  })

  test('does not pile up packs and loose objects', async () => {
    const branch = stage.open()
    let head = await branch.fetch()
    for (let turn = 0; turn < 45; turn += 1) {
      const files = Array.from({ length: 110 }, (_, index) => ({ path: `d/${index}`, content: `${turn}-${index}` }))
      head = (await branch.buildCommits(head, [plan({ files })]))[0]?.sha ?? null
    }
    const before = packs(stage.mirror)

    await branch.fetch()

    expect(before).toBeGreaterThan(40)
    expect(packs(stage.mirror)).toBeLessThan(5)
    expect((await branch.readPaths(head, ['d/7'])).get('d/7')).toMatchObject({ digest: digestOf('44-7') })
  })

  test('is not the only one that does not: a push to a repository of our own is one pack, and many are put together', async () => {
    const branch = stage.open()
    const head = (await branch.buildCommits(await branch.fetch(), [plan()]))[0]?.sha ?? ''
    expect(await branch.push(null, head)).toEqual({ kind: 'pushed' })
    expect(packs(stage.repository)).toBe(1)
    const folder = join(stage.repository, 'objects/pack')
    for (const name of readdirSync(folder))
      for (let i = 0; i < 45; i += 1) copyFileSync(join(folder, name), join(folder, name.replace(/[0-9a-f]{40}/, `${i}`.padStart(40, '0'))))

    expect(await branch.fetch()).toBe(head)

    expect(packs(stage.repository)).toBeLessThan(5)
    expect(stage.foreign(['rev-parse', `${head}:${FILE}`])).toMatch(/^[0-9a-f]{40}$/)
  })

  test('says once why the packs of a repository of our own cannot be put together, and delivers', async () => {
    const warned: unknown[] = []
    const git = createGitBranches({
      directory: join(stage.directory, 'watched'),
      searchPath: process.env['PATH'] ?? '',
      warn: (message, facts) => warned.push({ message, ...facts }),
    })
    const branch = git.open({ key: stage.key, repository: stage.repository, branch: 'main', access: {} }, new AbortController().signal)
    const head = (await branch.buildCommits(await branch.fetch(), [plan()]))[0]?.sha ?? ''
    await branch.push(null, head)
    for (let i = 0; i < 45; i += 1) writeFileSync(join(stage.repository, 'objects/pack', `pack-${`${i}`.padStart(40, '0')}.pack`), '')
    appendFileSync(join(stage.repository, 'config'), '[repack]\n\tpackKeptObjects = neither\n')

    expect(await branch.fetch()).toBe(head)
    expect(await branch.fetch()).toBe(head)

    expect(warned).toEqual([expect.objectContaining({ branch: 'main', reason: expect.stringContaining('packkeptobjects') })])
    await git.close()
  })

  test('is out of reach of the configuration of the machine and of the user', async () => {
    writeFileSync(join(stage.directory, '.gitconfig'), '[[[ nonsense')
    writeFileSync(join(stage.directory, 'mirrors', '.gitconfig'), '[[[ nonsense')
    const head = stage.foreignCommit({ a: '1' })

    expect(await stage.open().fetch()).toBe(head)
  })
})

/** One round as delivery does it, up to the push. */
async function round(on: Stage): Promise<{ parent: string | null; digest: string | undefined }> {
  const branch = on.open()
  const head = await branch.fetch()
  const state = (await branch.readPaths(head, [FILE])).get(FILE)
  const [built] = await branch.buildCommits(head, [plan({ files: [{ path: 'new', content: 'n' }] })])
  expect(commitsBetween(on, head, built?.sha ?? '')).toEqual([built?.sha])
  return { parent: head, digest: state?.kind === 'file' ? state.digest : undefined }
}

/** The commits of `to` in the mirror that are not in `from`, oldest first. */
function commitsBetween(on: Stage, from: string | null, to: string): readonly string[] {
  return on.foreign(['--git-dir', on.mirror, 'rev-list', '--reverse', to, ...(from === null ? [] : [`^${from}`])]).split('\n')
}

function forEachFile(folder: string, act: (file: string) => void): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) act(join(entry.parentPath, entry.name))
}

function packs(mirror: string): number {
  const folder = join(mirror, 'objects/pack')
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.pack')).length : 0
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function listOf(states: ReadonlyMap<string, PathState>): Record<string, string> {
  return Object.fromEntries([...states].flatMap(([path, state]) => (state.kind === 'file' ? [[path, state.digest]] : [])))
}
