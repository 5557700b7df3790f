import type { BranchHistory, CommitOnBranch } from '../../operations/branch-history.ts'
import { GitFault, type BranchRef, type Head } from '../../operations/ports.ts'
import { createGitBranches, has, TIMEOUTS, type GitOptions } from './branches.ts'
import { MirrorBroken } from './faults.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { createTreeCache } from './objects.ts'
import { readPathsOfMany } from './read-paths.ts'
import { remoteOf } from './remote.ts'
import { createGitRunner } from './run.ts'

export type HistoryOptions = GitOptions & {
  /** Where a repository is that main keeps itself. */
  readonly locate: (repository: string) => string
}

const MAX_PATHS = 1_000

/**
 * The `git` program as the port that reads histories. Its mirrors are its own: a process that answers over HTTP may run
 * beside a worker, which alone works in the others.
 */
export function createBranchHistory(options: HistoryOptions): BranchHistory {
  const { directory, secrets = {}, timeouts = TIMEOUTS, locate } = options
  const branches = createGitBranches(options)
  const git = createGitRunner(options)
  const stop = new AbortController()
  const turns = new Map<string, Promise<unknown>>()
  const trees = createTreeCache()

  /** One at a time a branch: two fetches into one mirror get in each other's way. */
  async function inTurn<T>({ key }: BranchRef, work: () => Promise<T>): Promise<T> {
    const before = turns.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine.catch(() => undefined)
    turns.set(key, settled)
    void settled.then(() => turns.get(key) === settled && turns.delete(key))
    return await mine
  }

  /** Without the key that signs: reading needs none. */
  function readable({ key, repository, branch, access }: BranchRef): BranchRef {
    const { auth, proxy } = access
    return {
      key,
      branch,
      repository: locate(repository),
      access: { ...(auth === undefined ? {} : { auth }), ...(proxy === undefined ? {} : { proxy }) },
    }
  }

  const open = (branch: BranchRef) => branches.open(readable(branch), stop.signal)
  /** A mirror that turns out broken goes; the next fetch makes it anew. */
  async function inMirror<T>(branch: BranchRef, work: (mirror: Mirror) => Promise<T>): Promise<T> {
    const ref = readable(branch)
    const mirror = createMirror(git, directory, ref, remoteOf(ref, secrets), stop.signal, timeouts)
    try {
      return await work(mirror)
    } catch (error) {
      if (!(error instanceof MirrorBroken)) throw error
      await mirror.discard()
      throw new GitFault('again', `${error.message}; it is made anew`, { cause: error })
    }
  }

  /** A head that did not move is not fetched again, so somebody has to notice when the mirror has lost it. */
  async function fetch(branch: BranchRef): Promise<Head> {
    const head = await open(branch).fetch()
    if (head === null || (await inMirror(branch, (mirror) => has(mirror, head)))) return head
    await inMirror(branch, (mirror) => mirror.discard())
    return open(branch).fetch()
  }

  return {
    fetch: (branch) => inTurn(branch, () => fetch(branch)),
    listCommits: (branch, head, range) => inTurn(branch, () => inMirror(branch, (mirror) => listCommits(mirror, head, range))),
    readPaths: (branch, wanted) =>
      inTurn(branch, () =>
        inMirror(branch, (mirror) =>
          readPathsOfMany(
            mirror,
            trees,
            wanted.map(({ commit, paths }) => ({ head: commit, paths })),
          ),
        ),
      ),
    findInHistory: (branch, head, commits) => inTurn(branch, () => open(branch).findInHistory(head, commits)),
    async close() {
      stop.abort()
      await Promise.all([branches.close(), git.close()])
    },
  }
}

const FORMAT = [
  '%H',
  '%P',
  '%(trailers:key=Purser-Request,valueonly,unfold,separator=%x01)',
  '%(trailers:key=Purser-Plan-Digest,valueonly,unfold,separator=%x01)',
].join('%x00')

async function listCommits(
  mirror: Mirror,
  head: string,
  { skip, limit }: { readonly skip: number; readonly limit: number },
): Promise<readonly CommitOnBranch[] | null> {
  if (!(await has(mirror, head))) return null
  const { stdout } = await mirror.local([
    'log',
    '--no-show-signature',
    '--topo-order',
    `--skip=${skip}`,
    `--max-count=${limit}`,
    `--format=${FORMAT}%x00`,
    head,
  ])
  const fields = stdout.toString('utf8').split('\0')
  const heads = Array.from({ length: Math.floor(fields.length / 4) }, (_, i) => fields.slice(i * 4, i * 4 + 4).map((field) => field.trim()))
  const shas = heads.map(([sha = '']) => sha)
  const changed = await changedPaths(mirror, shas)
  return heads.map(([sha = '', parents = '', requests = '', planDigests = '']) => ({
    sha,
    parents: words(parents, ' ').length,
    requests: words(requests, '\u0001'),
    planDigests: words(planDigests, '\u0001'),
    paths: changed.get(sha) ?? [],
  }))
}

function words(text: string, separator: string): readonly string[] {
  return text.split(separator).flatMap((word) => (word.trim() === '' ? [] : [word.trim()]))
}

/** What each commit changes, by one process: `<sha>\0`, then `<path>\0` for each. */
async function changedPaths(mirror: Mirror, shas: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const changed = new Map<string, string[]>(shas.map((sha) => [sha, []]))
  const input = Buffer.from(shas.map((sha) => `${sha}\n`).join(''))
  const { stdout } = await mirror.local(['diff-tree', '--stdin', '-r', '-z', '--root', '--always', '--name-status', '--no-renames'], {
    input,
  })
  const tokens = stdout.toString('utf8').split('\0')
  let paths: string[] = []
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] ?? ''
    const next = changed.get(token)
    if (next !== undefined) paths = next
    // A status is one letter; the token after it is the path, which could look like a commit.
    else if (token !== '') {
      i += 1
      if (paths.length < MAX_PATHS) paths.push(tokens[i] ?? '')
    }
  }
  return changed
}
