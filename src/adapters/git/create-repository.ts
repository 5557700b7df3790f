import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GitFault } from '../../operations/ports.ts'
import type { GitOptions } from './branches.ts'
import { lastWords } from './faults.ts'
import { createGitRunner } from './run.ts'

/** Makes the bare repository at `path`, with `branch` as the one that a clone checks out; one that exists is left as it is. */
export async function createRepository(options: GitOptions, path: string, branch: string): Promise<void> {
  const there = await stat(join(path, 'HEAD')).then(
    () => true,
    () => false,
  )
  if (there) return
  const git = createGitRunner(options)
  await git.prepare()
  const args = ['init', '--bare', '--quiet', '--template=', `--initial-branch=${branch}`, '--', path]
  const { code, stderr } = await git.run({ args, signal: new AbortController().signal, timeoutMs: 60_000 })
  if (code !== 0) throw new GitFault('stop', `the repository cannot be made: ${lastWords(stderr, [])}`)
}
