import { randomUUID } from 'node:crypto'
import { appendFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GitFault, type BranchRef } from '../../operations/ports.ts'
import { lastWords, localFault, remoteFault, type MirrorBroken, type Names } from './faults.ts'
import type { Remote } from './remote.ts'
import type { GitCall, GitResult, GitRunner, RunningGit } from './run.ts'

export type Timeouts = { readonly localMs: number; readonly remoteMs: number; readonly cloneMs: number }

/**
 * The private bare repository of one branch, in which commits are built before they are pushed. It has two refs: `head`,
 * what was fetched last, and `built`, the newest commit made here; both only say what is needed. Everything in it can be
 * had again, so it is not synced to disk and thrown away at the first sign of damage.
 */
export const HEAD_REF = 'refs/purser/head'
export const BUILT_REF = 'refs/purser/built'

/**
 * `compression` and `window`: 500 commits onto 100,000 files were pushed in 0.30 s instead of 0.43; what is built here
 * has the deltas that matter. Repacking is ours to order (`maintain`), never git's own idea in the middle of something.
 */
const SETTINGS = `[core]
	fsync = none
	compression = 1
	logAllRefUpdates = false
[gc]
	auto = 0
[maintenance]
	auto = false
[pack]
	window = 0
[repack]
	writeBitmaps = false
[push]
	recurseSubmodules = no
`

/** Above either, looking an object up gets slow; a geometric repack then costs what is new, not what is there. */
const MAX_PACKS = 40
const MAX_LOOSE_IN_ONE_OF_256 = 20
const UNFINISHED_MS = 3_600_000

export type Mirror = {
  /** Its folder. */
  readonly path: string
  /** The repository, as git's argument. */
  readonly url: string
  /** Runs git on the mirror alone; exit codes up to `maxCode` are answers, all others faults. */
  local(args: readonly string[], options?: { readonly input?: Buffer; readonly maxCode?: number }): Promise<GitResult>
  /** Runs git on mirror and repository; any failure is the repository's, and comes back unclassified. */
  remote(args: readonly string[], options?: { readonly timeoutMs?: number }): Promise<GitResult>
  start(args: readonly string[]): RunningGit
  failed(stderr: string): GitFault | MirrorBroken
  unreachable(stderr: string): GitFault | MirrorBroken
  /** Makes it if it is not there; true when it did. */
  ensure(): Promise<boolean>
  /** Packs what has piled up, when it is much. Why that failed for a repository of our own; null: it did not. */
  maintain(): Promise<string | null>
  discard(): Promise<void>
}

/** The mirror of a branch, by its key, below `directory`; nothing is touched before `ensure`. */
export function createMirror(
  git: GitRunner,
  directory: string,
  { key }: Pick<BranchRef, 'key'>,
  repository: Remote,
  signal: AbortSignal,
  timeouts: Timeouts,
): Mirror {
  const path = join(directory, `${key}.git`)
  const names: Names = [
    [repository.url, 'the repository'],
    [repository.url.replace(/^file:\/\//, ''), 'the repository'],
    [path, 'the mirror'],
    [directory, 'the mirror'],
  ]
  const call = (args: readonly string[], timeoutMs: number): GitCall => ({ args: [`--git-dir=${path}`, ...args], signal, timeoutMs })
  const failed = (stderr: string) => localFault(stderr, names)

  async function local(
    args: readonly string[],
    { input, maxCode = 0 }: { readonly input?: Buffer; readonly maxCode?: number } = {},
  ): Promise<GitResult> {
    const result = await git.run({ ...call(args, timeouts.localMs), ...(input === undefined ? {} : { input }) })
    if (result.code > maxCode) throw failed(result.stderr)
    return result
  }

  async function ensure(): Promise<boolean> {
    if (await exists(join(path, 'config'))) return false
    await git.prepare()
    const fresh = join(directory, `new-${randomUUID()}.git`)
    const init = await git.run({ args: ['init', '--bare', '--quiet', '--template=', fresh], signal, timeoutMs: timeouts.localMs })
    if (init.code !== 0) throw new GitFault('wait', `no private mirror can be made: ${failed(init.stderr).message}`)
    await appendFile(join(fresh, 'config'), SETTINGS)
    // What is in the way is a half-removed one, or one that another process has just made; both may go.
    await discard()
    await rename(fresh, path)
    await sweepUp()
    return true
  }

  /** Mirrors that a killed process had not done making, or removing. */
  async function sweepUp(): Promise<void> {
    const long = Date.now() - UNFINISHED_MS
    for (const name of await listNames(directory)) {
      if (!/^(old|new)-[0-9a-f-]{36}\.git$/.test(name)) continue
      const folder = join(directory, name)
      // It may be another branch's, and in the making.
      const { mtimeMs = Date.now() } = await stat(folder).catch(() => ({}) as { mtimeMs?: number })
      if (mtimeMs < long) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    }
  }

  async function maintain(): Promise<string | null> {
    await tidy(path, (args) => local(args))
    // Main keeps a repository too; a URL is somebody else's, who sees to it. Where that fails, commits still arrive.
    const ours = repository.url
    if (!ours.startsWith('/')) return null
    try {
      const done = await tidy(ours, (args) => git.run({ args: [`--git-dir=${ours}`, ...args], signal, timeoutMs: timeouts.localMs }))
      return done === null || done.code === 0 ? null : lastWords(done.stderr, names)
    } catch (error) {
      if (!(error instanceof GitFault) || signal.aborted) throw error
      return error.detail
    }
  }

  async function tidy(folder: string, run: (args: readonly string[]) => Promise<GitResult>): Promise<GitResult | null> {
    const packs = await listNames(join(folder, 'objects/pack'))
    const loose = await listNames(join(folder, 'objects/17'))
    if (packs.filter((name) => name.endsWith('.pack')).length <= MAX_PACKS && loose.length <= MAX_LOOSE_IN_ONE_OF_256) return null
    const result = await run(['repack', '--geometric=2', '-d', '--quiet'])
    if (folder !== path) return result
    // What killed processes leave: only one process at a time works here, so none of it is in use.
    const crumbs = packs.filter((name) => /^(tmp_|\.tmp-)/.test(name)).map((name) => join(folder, 'objects/pack', name))
    await Promise.all(crumbs.map((file) => rm(file, { force: true })))
    return result
  }

  async function discard(): Promise<void> {
    const old = join(directory, `old-${randomUUID()}.git`)
    try {
      await rename(path, old)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
      throw error
    }
    await rm(old, { recursive: true, force: true, maxRetries: 3 })
  }

  return {
    path,
    local,
    ensure,
    maintain,
    discard,
    failed,
    url: repository.url,
    remote: async (args, { timeoutMs = timeouts.remoteMs } = {}) =>
      git.run({ ...call(args, timeoutMs), env: await repository.environment() }),
    start: (args) => git.start(call(args, timeouts.localMs)),
    unreachable: (stderr) => remoteFault(stderr, names),
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** The names in a folder; none when there is no such folder. */
async function listNames(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}
