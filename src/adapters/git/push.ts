import type { Head, PushOutcome } from '../../operations/ports.ts'
import { cleanText } from './faults.ts'
import type { GitResult } from './run.ts'

/**
 * Two ways to find out what the repository has: by what the new commits touch, or by all that was there before. The second
 * was quicker from 500 commits on with 100,000 files there, at 2,000 by a half.
 */
const MANY = 1_000

/**
 * The arguments of a push that moves a branch from exactly one commit to another. The lease makes it a compare-and-set:
 * a plain push would also bring back what somebody took off the branch since it was fetched. Git's own check for
 * fast-forwards is off under a lease, so the caller has proven beforehand that `sha` descends from `expected`.
 */
export function pushArguments(repository: string, branch: string, expected: Head, sha: string, commits: number): readonly string[] {
  const ref = `refs/heads/${branch}`
  return [
    '-c',
    `pack.useSparse=${commits < MANY}`,
    'push',
    '--porcelain',
    '--no-progress',
    '--no-follow-tags',
    `--force-with-lease=${ref}:${expected ?? ''}`,
    '--',
    repository,
    `${sha}:${ref}`,
  ]
}

/** The branch moved while the push was under way: as the client sees it, and as the repository does when it takes the ref's lock. */
const MOVED = /stale info|fetch first|non-fast-forward/
const MOVED_UNDER_LOCK = /is at [0-9a-f]{40} but expected|incorrect old value|reference already exists|unable to resolve reference/
/** The repository is not well, or its ref is locked; it did not say no. */
const SICK =
  /unpacker error|failed to report status|missing necessary objects|unable to migrate objects|failed to update ref|cannot lock ref/

/** What became of it: `git push --porcelain` prints `<flag> TAB <refspec> TAB <summary>` for the one ref. */
export function readPush(result: GitResult, fault: (stderr: string) => Error): PushOutcome {
  const line = result.stdout
    .toString('utf8')
    .split('\n')
    .find((text) => /^[ +*=!-]\t/.test(text))
  if (line === undefined) throw fault(result.stderr)
  const [flag, , summary = ''] = line.split('\t')
  if (flag !== '!') {
    if (result.code !== 0) throw fault(result.stderr)
    return { kind: 'pushed' }
  }
  if (MOVED.test(summary) || (SICK.test(summary) && MOVED_UNDER_LOCK.test(result.stderr))) return { kind: 'non-fast-forward' }
  if (SICK.test(summary)) throw fault(`${result.stderr}\nfatal: ${summary}`)
  return { kind: 'refused', reason: hookWords(result.stderr) || cleanText(/\((.{1,300})\)\s*$/.exec(summary)?.[1] ?? summary, 300) }
}

/** What the repository's side printed, without git's prefix, empty lines, padding, and what git adds to an update hook's words. */
function hookWords(stderr: string): string {
  const lines = stderr
    .split('\n')
    .filter((line) => line.startsWith('remote:'))
    .map((line) => line.slice('remote:'.length).trim())
  return cleanText(
    lines
      .filter((line) => line !== '' && !line.startsWith('error: hook declined'))
      .slice(0, 20)
      .join('\n'),
    1_000,
  )
}
