import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGitBranches } from '../../src/adapters/git/branches.ts'
import { createRepository } from '../../src/adapters/git/create-repository.ts'
import type { CommitPlan, GitBranch, GitBranches } from '../../src/operations/ports.ts'

/** Real bare repositories and what other people do to them, for the tests of the git adapter. */
export type Stage = {
  readonly directory: string
  readonly repository: string
  readonly git: GitBranches
  readonly key: string
  readonly mirror: string
  open(signal?: AbortSignal): GitBranch
  /** Runs git on the repository as somebody else would. */
  foreign(args: readonly string[], input?: string): string
  /** A commit by somebody else on top of the branch; a path with null goes, `{link}` and `{gitlink}` make such entries. */
  foreignCommit(files: Record<string, string | null | { link: string } | { gitlink: string }>): string
  hook(name: string, script: string): void
  strayProcesses(): readonly string[]
  close(): Promise<void>
}

export async function createStage(timeouts?: { localMs: number; remoteMs: number; cloneMs: number }): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'purser-git-'))
  const options = {
    directory: join(directory, 'mirrors'),
    searchPath: process.env['PATH'] ?? '',
    ...(timeouts === undefined ? {} : { timeouts }),
  }
  const repository = join(directory, 'gitops.git')
  await createRepository(options, repository, 'main')
  const git = createGitBranches(options)
  const key = randomUUID()

  const foreign = (args: readonly string[], input?: string) =>
    execFileSync('git', args, {
      cwd: repository,
      input,
      encoding: 'utf8',
      env: foreignEnvironment(directory),
      stdio: ['pipe', 'pipe', 'pipe'],
    }).trim()

  function foreignCommit(files: Record<string, string | null | { link: string } | { gitlink: string }>): string {
    const index = { GIT_INDEX_FILE: join(directory, `index-${randomUUID()}`) }
    const run = (args: readonly string[], input?: string) =>
      execFileSync('git', args, {
        cwd: repository,
        input,
        encoding: 'utf8',
        env: { ...foreignEnvironment(directory), ...index },
        stdio: ['pipe', 'pipe', 'pipe'],
      }).trim()
    const parent = run(['for-each-ref', '--format=%(objectname)', 'refs/heads/main'])
    if (parent !== '') run(['read-tree', parent])
    const lines = Object.entries(files).map(([path, content]) => {
      if (content === null) return `0 ${'0'.repeat(40)}\t${path}`
      if (typeof content === 'string') return `100644 ${run(['hash-object', '-w', '--stdin'], content)}\t${path}`
      if ('link' in content) return `120000 ${run(['hash-object', '-w', '--stdin'], content.link)}\t${path}`
      return `160000 ${content.gitlink}\t${path}`
    })
    run(['update-index', '--index-info'], lines.map((line) => `${line}\n`).join(''))
    const commit = run(['commit-tree', run(['write-tree']), '-m', 'by hand', ...(parent === '' ? [] : ['-p', parent])])
    run(['update-ref', 'refs/heads/main', commit])
    return commit
  }

  return {
    directory,
    repository,
    git,
    key,
    foreign,
    foreignCommit,
    mirror: join(directory, 'mirrors', `${key}.git`),
    open: (signal = new AbortController().signal) => git.open({ key, repository, branch: 'main', access: {} }, signal),
    hook: (name, script) => {
      mkdirSync(join(repository, 'hooks'), { recursive: true })
      writeFileSync(join(repository, 'hooks', name), `#!/bin/sh\n${script}\n`)
      chmodSync(join(repository, 'hooks', name), 0o755)
    },
    strayProcesses: () => processesAbout(directory),
    close: async () => {
      await git.close()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function foreignEnvironment(home: string): Record<string, string> {
  const person = {
    GIT_AUTHOR_NAME: 'Mallory',
    GIT_AUTHOR_EMAIL: 'mallory@example.com',
    GIT_COMMITTER_NAME: 'Mallory',
    GIT_COMMITTER_EMAIL: 'mallory@example.com',
  }
  return { PATH: process.env['PATH'] ?? '', HOME: home, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', ...person }
}

/** Living processes that name a folder in their command line or work below it. Zombies have neither. */
export function processesAbout(directory: string): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(directory) || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory)
    } catch {
      return false
    }
  })
}

export function plan(overrides: Partial<CommitPlan> = {}): CommitPlan {
  return {
    key: randomUUID(),
    message: 'payments/prod: create postgres orders-db\n\nPurser-Request: req_1\n',
    author: { name: 'Alice', email: 'alice@example.com' },
    committer: { name: 'Purser', email: 'purser@example.com' },
    date: new Date('2026-11-24T12:00:00.750Z'),
    files: [{ path: 'tenants/payments/prod/orders-db/00-a.yaml', content: 'a: 1\n' }],
    ...overrides,
  }
}

/** The paths and contents of a commit, read by another way than the adapter's. */
export function treeOf(stage: Stage, commit: string): Record<string, string> {
  const lines = stage
    .foreign(['--git-dir', stage.mirror, 'ls-tree', '-r', '-z', commit])
    .split('\0')
    .filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const [meta = '', path = ''] = line.split('\t')
      return [path, execFileSync('git', ['--git-dir', stage.mirror, 'cat-file', 'blob', meta.split(' ')[2] ?? ''], { encoding: 'utf8' })]
    }),
  )
}
