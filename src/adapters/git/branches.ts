import {
  GitFault,
  type BranchRef,
  type BuiltCommit,
  type CommitPlan,
  type GitBranch,
  type GitBranches,
  type Head,
  type PathChange,
  type PushOutcome,
} from '../../operations/ports.ts'
import { buildCommits } from './build-commits.ts'
import { cleanText, MirrorBroken } from './faults.ts'
import { createMirror, HEAD_REF, type Mirror, type Timeouts } from './mirror.ts'
import { createTreeCache, type TreeCache } from './objects.ts'
import { checkPath, isBranchName } from './paths.ts'
import { pushArguments, readPush } from './push.ts'
import { readPaths } from './read-paths.ts'
import { remoteOf, type Secrets } from './remote.ts'
import { createGitRunner } from './run.ts'
import { readSigner } from './ssh-signature.ts'

export type GitOptions = {
  /** Where the private mirrors live; made if need be. */
  readonly directory: string
  /** The PATH in which `git` is found, and whatever hooks of a local repository call. */
  readonly searchPath: string
  /** What documents may name by `{env: PURSER_SECRET_…}`. */
  readonly secrets?: Secrets
  readonly timeouts?: Timeouts
  /** What is worth knowing and fails nothing. */
  readonly warn?: (message: string, facts: object) => void
}

/** A push waits for hooks, a first fetch for a whole repository. */
export const TIMEOUTS: Timeouts = { localMs: 60_000, remoteMs: 120_000, cloneMs: 1_800_000 }

/** The `git` program as the port that delivery writes through. */
export function createGitBranches({
  directory,
  searchPath,
  secrets = {},
  timeouts = TIMEOUTS,
  warn = () => undefined,
}: GitOptions): GitBranches {
  const git = createGitRunner({ directory, searchPath })
  const known: Known = {
    fetched: new Map(),
    whole: new Map(),
    gone: new Map(),
    untidy: new Map(),
    built: new Map(),
    trees: createTreeCache(),
  }
  return {
    open(branch, signal) {
      checkBranch(branch)
      return openBranch(
        branch,
        createMirror(git, directory, branch, remoteOf(branch, secrets), signal, timeouts),
        { timeouts, warn },
        known,
      )
    },
    close: () => git.close(),
  }
}

/** What this process knows of the mirrors, by branch. */
type Known = {
  /** The head that is in the mirror, so that a branch that did not move costs no fetch. */
  readonly fetched: Map<string, string>
  /** A commit whose whole history was seen to be there, so that only what is new has to be walked. */
  readonly whole: Map<string, string>
  /** A commit that is not in the history of a head, and that head: a walk over all of it said so. */
  readonly gone: Map<string, string>
  /** Why packs could not be put together; said once, not at each turn. */
  readonly untidy: Map<string, string | null>
  readonly built: Map<string, Chain>
  readonly trees: TreeCache
}

/** What was built last: that its commits descend from `onto` needs no proof. */
type Chain = { readonly onto: Head; readonly commits: ReadonlySet<string> }

function forget(known: Known, key: string): void {
  known.fetched.delete(key)
  known.whole.delete(key)
  known.gone.delete(key)
}

function checkBranch({ key, branch }: BranchRef): void {
  if (!/^[0-9a-f-]{36}$/.test(key)) throw new Error('bug: the key of a branch is no uuid')
  if (!isBranchName(branch)) throw new GitFault('stop', `${JSON.stringify(branch)} cannot be the name of a branch`)
}

function openBranch(
  ref: BranchRef,
  mirror: Mirror,
  { timeouts, warn }: Required<Pick<GitOptions, 'timeouts' | 'warn'>>,
  known: Known,
): GitBranch {
  const remoteRef = `refs/heads/${ref.branch}`

  /** A mirror that turns out broken goes; the caller's next round begins with a fetch and makes it anew. */
  async function guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof MirrorBroken)) throw error
      forget(known, ref.key)
      await mirror.discard()
      throw new GitFault('again', `${error.message}; it is made anew`, { cause: error })
    }
  }

  async function remoteHead(): Promise<Head> {
    const { code, stdout, stderr } = await mirror.remote(['ls-remote', '--', mirror.url, remoteRef])
    if (code !== 0) throw mirror.unreachable(stderr)
    const line = stdout
      .toString('utf8')
      .split('\n')
      .find((text) => text.endsWith(`\t${remoteRef}`))
    return line === undefined ? null : line.slice(0, 40)
  }

  async function fetch(): Promise<Head> {
    // A round that could not sign in the end had better not begin.
    await readSigner(ref.access)
    if (await mirror.ensure()) forget(known, ref.key)
    await tidyUp()
    const head = await remoteHead()
    if (head === null || known.fetched.get(ref.key) === head) return head
    const options = known.fetched.has(ref.key) ? {} : { timeoutMs: timeouts.cloneMs }
    const { code, stderr } = await mirror.remote(
      ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', mirror.url, `+${remoteRef}:${HEAD_REF}`],
      options,
    )
    if (code !== 0) throw mirror.unreachable(stderr)
    const fetched = (await mirror.local(['rev-parse', '--verify', '--quiet', `${HEAD_REF}^{commit}`])).stdout.toString('latin1').trim()
    known.fetched.set(ref.key, fetched)
    return fetched
  }

  async function tidyUp(): Promise<void> {
    const reason = await mirror.maintain()
    if (reason !== null && known.untidy.get(ref.key) !== reason)
      warn('the packs of a repository cannot be put together; it gets slower', { repository: ref.repository, branch: ref.branch, reason })
    known.untidy.set(ref.key, reason)
  }

  async function isAncestor(commit: string, head: string): Promise<boolean> {
    checkCommit(commit)
    if (commit === head && known.fetched.get(ref.key) === head) return true
    if (!(await has(mirror, commit))) {
      // Unknown is only a no when nothing else is missing, and what was there once may have gone since: a branch is held on
      // the strength of it until an administrator comes.
      const asked = `${commit} ${head}`
      if (known.gone.get(ref.key) !== asked) {
        known.whole.delete(ref.key)
        await proveWhole(head)
        known.gone.set(ref.key, asked)
      }
      return false
    }
    const { code, stderr } = await mirror.local(['merge-base', '--is-ancestor', commit, head], { maxCode: 1 })
    // Before 2.44 git says "no", and an error beside it, when a commit on the way is missing.
    if (code === 1 && stderr !== '') throw mirror.failed(stderr)
    return code === 0
  }

  async function findInHistory(head: string, commits: readonly string[]): Promise<ReadonlySet<string>> {
    if (commits.length === 0) return new Set()
    commits.forEach(checkCommit)
    const there = await mirror.local(['cat-file', '--batch-check=%(objecttype) %(objectname)'], { input: lines(commits) })
    const here = readLines(there.stdout).flatMap((line) => (line.startsWith('commit ') ? [line.slice('commit '.length)] : []))
    const found = new Set(here)
    if (here.length > 0) {
      const elsewhere = await mirror.local(['rev-list', '--stdin'], { input: lines([...here, `^${head}`]) })
      for (const commit of readLines(elsewhere.stdout)) found.delete(commit)
    }
    // A no counts only when nothing is missing, and rev-list takes no notice of that on the side of `^`.
    if (found.size < new Set(commits).size) await proveWhole(head)
    return found
  }

  async function proveWhole(head: string): Promise<void> {
    const before = known.whole.get(ref.key)
    await mirror.local(['rev-list', '--count', head, ...(before === undefined ? [] : [`^${before}`])])
    known.whole.set(ref.key, head)
  }

  async function build(onto: Head, commits: readonly CommitPlan[]): Promise<readonly BuiltCommit[]> {
    if (commits.length === 0) return []
    const built = await buildCommits(mirror, known.trees, onto, commits, await readSigner(ref.access))
    known.built.set(ref.key, { onto, commits: new Set(built.map(({ sha }) => sha)) })
    return built
  }

  async function push(expected: Head, sha: string): Promise<PushOutcome> {
    // The next one may be built meanwhile.
    const built = known.built.get(ref.key)
    if (!(await descends(built, expected, sha))) throw new Error('bug: a push that is no fast-forward')
    const result = await mirror.remote(pushArguments(mirror.url, ref.branch, expected, sha, built?.commits.size ?? 1))
    const outcome = readPush(result, (stderr) => mirror.unreachable(stderr))
    if (outcome.kind === 'pushed') known.fetched.set(ref.key, sha)
    return outcome
  }

  async function descends(built: Chain | undefined, from: Head, sha: string): Promise<boolean> {
    return from === null || (built?.onto === from && built.commits.has(sha)) || (await isAncestor(from, sha))
  }

  return {
    fetch: () => guard(fetch).catch((error: unknown) => (isAboutMirror(error) ? guard(fetch) : Promise.reject(error))),
    isAncestor: (commit, head) => guard(() => isAncestor(commit, head)),
    findInHistory: (head, commits) => guard(() => findInHistory(head, commits)),
    readPaths: (head, paths) => guard(() => readPaths(mirror, known.trees, head, paths)),
    buildCommits: (onto, commits) => guard(() => build(onto, commits)),
    push: (expected, sha) => guard(() => push(expected, sha)),
    lastChange: (head, path) => guard(() => lastChange(mirror, head, path)),
  }
}

function isAboutMirror(error: unknown): boolean {
  return error instanceof GitFault && error.cause instanceof MirrorBroken
}

function checkCommit(commit: string): void {
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new Error('bug: not a commit id')
}

function lines(texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\n`).join(''))
}

function readLines(bytes: Buffer): readonly string[] {
  return bytes
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
}

/** Whether the mirror has this commit, and can read it. */
export async function has(mirror: Mirror, commit: string): Promise<boolean> {
  checkCommit(commit)
  return (await mirror.local(['cat-file', '-e', `${commit}^{commit}`], { maxCode: 128 })).code === 0
}

async function lastChange(mirror: Mirror, head: string, path: string): Promise<PathChange | null> {
  checkPath(path)
  const format = '--format=%H%x00%an%x00%ae%x00%at%x00%s'
  const { stdout } = await mirror.local(['--literal-pathspecs', 'log', '-1', '--no-show-signature', format, head, '--', path])
  const [commit, name, email, seconds, subject] = stdout.toString('utf8').trimEnd().split('\0')
  if (commit === undefined || name === undefined || email === undefined || subject === undefined) return null
  return {
    commit,
    author: { name: cleanText(name, 200), email: cleanText(email, 200) },
    at: new Date(Number(seconds) * 1000),
    subject: cleanText(subject, 200),
  }
}
