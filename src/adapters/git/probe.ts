import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { GitFault, type BranchRef, type Head } from '../../operations/ports.ts'
import type { GitOptions } from './branches.ts'
import { buildCommits } from './build-commits.ts'
import { MirrorBroken } from './faults.ts'
import { createMirror, HEAD_REF, type Mirror } from './mirror.ts'
import { createTreeCache } from './objects.ts'
import { readPush } from './push.ts'
import { remoteOf } from './remote.ts'
import { createGitRunner } from './run.ts'
import { readSigner } from './ssh-signature.ts'

const LIMITS = { localMs: 30_000, remoteMs: 30_000, cloneMs: 60_000 }

/**
 * Whether a branch can be reached and pushed to, as far as a dry run tells: hooks and the rules of a branch are asked by a
 * real push only. `options.directory` is a folder for this alone, so that no worker's mirror is touched. Answers where the
 * branch is.
 * @throws GitFault
 */
export async function probeBranch(options: GitOptions, branch: BranchRef, signal: AbortSignal): Promise<Head> {
  const git = createGitRunner(options)
  const mirror = createMirror(git, options.directory, branch, remoteOf(branch, options.secrets ?? {}), signal, LIMITS)
  try {
    await readSigner(branch.access)
    await mirror.ensure()
    const head = await fetchHead(mirror, branch)
    await tryPush(mirror, branch, head)
    return head
  } catch (error) {
    throw error instanceof MirrorBroken ? new GitFault('again', error.message, { cause: error }) : error
  } finally {
    await git.close()
  }
}

async function fetchHead(mirror: Mirror, { branch }: BranchRef): Promise<Head> {
  const ref = `refs/heads/${branch}`
  const listed = await mirror.remote(['ls-remote', '--', mirror.url, ref])
  if (listed.code !== 0) throw mirror.unreachable(listed.stderr)
  const line = listed.stdout
    .toString('utf8')
    .split('\n')
    .find((text) => text.endsWith(`\t${ref}`))
  if (line === undefined) return null
  // Its last commit is enough to push it.
  const fetched = await mirror.remote(
    ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-write-fetch-head', '--', mirror.url, `+${ref}:${HEAD_REF}`],
    { timeoutMs: LIMITS.cloneMs },
  )
  if (fetched.code !== 0) throw mirror.unreachable(fetched.stderr)
  return line.slice(0, 40)
}

async function tryPush(mirror: Mirror, { branch }: BranchRef, head: Head): Promise<void> {
  const pushed = await mirror.remote([
    'push',
    '--dry-run',
    '--porcelain',
    '--no-progress',
    '--',
    mirror.url,
    `${head ?? (await firstCommit(mirror))}:refs/heads/${branch}`,
  ])
  readPush(pushed, (stderr) => mirror.unreachable(stderr))
  // A dry run leaves out what a folder's permissions would say.
  const folder = mirror.url.replace(/^file:\/\//, '')
  if (!folder.startsWith('/')) return
  await access(join(folder, 'objects'), constants.W_OK).catch((cause: unknown) => {
    throw new GitFault('wait', 'the repository cannot be written to by this user', { cause })
  })
}

/** An empty repository has nothing that could be pushed back to it. */
async function firstCommit(mirror: Mirror): Promise<string> {
  const nobody = { name: 'Purser', email: 'purser@purser.dev' }
  const plan = { key: 'probe', message: 'probe', author: nobody, committer: nobody, date: new Date(0), files: [] }
  const [built] = await buildCommits(mirror, createTreeCache(), null, [plan], null)
  if (built === undefined) throw new Error('bug: no commit was built')
  return built.sha
}
