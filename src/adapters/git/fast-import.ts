import type { BuiltCommit, CommitPlan, Head, Person } from '../../operations/ports.ts'
import type { Mirror } from './mirror.ts'
import { BUILT_REF } from './mirror.ts'
import { checkPath } from './paths.ts'

/**
 * Many commits by one `git fast-import`, each on top of the one before, into a private ref. All that comes from people
 * is sent by its length in bytes, quoted, or stripped of the few characters that mean something in its place, so no name
 * and no message can become a command.
 */
export async function buildCommits(mirror: Mirror, onto: Head, commits: readonly CommitPlan[]): Promise<readonly BuiltCommit[]> {
  if (commits.length === 0) return []
  const input = renderStream(onto, commits)
  // --force is about our own ref: what was built last time need not be an ancestor of what is built now.
  const { stdout } = await mirror.local(['fast-import', '--quiet', '--done', '--force', '--date-format=raw'], { input })
  const shas = stdout
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
  if (shas.length !== commits.length) throw new Error(`bug: git fast-import answered ${shas.length} commits for ${commits.length}`)
  return commits.map(({ key }, index) => ({ key, sha: sha(shas[index]) }))
}

function sha(text: string | undefined): string {
  if (text === undefined || !/^[0-9a-f]{40}$/.test(text)) throw new Error('bug: git fast-import answered no commit id')
  return text
}

/** The whole input (git-fast-import(1)): the commits, then the question what became of each. */
export function renderStream(onto: Head, commits: readonly CommitPlan[]): Buffer {
  const parts: (string | Buffer)[] = ['feature done\n']
  commits.forEach((commit, index) => renderCommit(parts, commit, index + 1, index === 0 ? onto : null))
  commits.forEach((_, index) => parts.push(`get-mark :${index + 1}\n`))
  parts.push('done\n')
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

function renderCommit(parts: (string | Buffer)[], commit: CommitPlan, mark: number, from: Head): void {
  const seconds = Math.floor(commit.date.getTime() / 1000)
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new Error('bug: a commit without a date')
  parts.push(`commit ${BUILT_REF}\nmark :${mark}\n`)
  parts.push(`author ${renderPerson(commit.author)} ${seconds} +0000\ncommitter ${renderPerson(commit.committer)} ${seconds} +0000\n`)
  pushData(parts, commit.message.replaceAll('\u0000', ''))
  if (from !== null) parts.push(`from ${sha(from)}\n`)
  for (const { path, content } of commit.files) {
    checkPath(path)
    if (content === null) {
      parts.push(`D ${quote(path)}\n`)
    } else {
      parts.push(`M 100644 inline ${quote(path)}\n`)
      pushData(parts, content)
    }
  }
  parts.push('\n')
}

function pushData(parts: (string | Buffer)[], text: string): void {
  const bytes = Buffer.from(text)
  parts.push(`data ${bytes.length}\n`, bytes, '\n')
}

/** C-style, which fast-import takes for every path. */
function quote(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** `Name <email>` without what would end either; git objects know no escape for it. A name is never empty: fsck refuses that. */
function renderPerson({ name, email }: Person): string {
  return `${identity(name) || identity(email) || 'unknown'} <${identity(email)}>`
}

function identity(text: string): string {
  return text
    .slice(0, 300)
    .replace(/[<>\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
}
