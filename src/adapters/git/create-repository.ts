import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GitFault } from '../../operations/ports.ts'
import type { GitOptions } from './branches.ts'
import { lastWords } from './faults.ts'
import { createGitRunner } from './run.ts'

/**
 * What is pushed stays one pack, which is synced to disk once, where each object lying loose is synced: a push of eight
 * commits took 40 ms instead of 280. Packs are put together by the worker (`maintain`), not by each push.
 */
const SETTINGS = `[receive]
	unpackLimit = 1
	autogc = false
[gc]
	auto = 0
`

/** Makes the bare repository at `path`, with `branch` as the one that a clone checks out; one that exists is only set up. */
export async function createRepository(options: GitOptions, path: string, branch: string): Promise<void> {
  const config = join(path, 'config')
  const before = await readFile(config, 'utf8').catch(() => null)
  if (before === null) {
    const git = createGitRunner(options)
    await git.prepare()
    const args = ['init', '--bare', '--quiet', '--template=', `--initial-branch=${branch}`, '--', path]
    const { code, stderr } = await git.run({ args, signal: new AbortController().signal, timeoutMs: 60_000 })
    if (code !== 0) throw new GitFault('stop', `the repository cannot be made: ${lastWords(stderr, [])}`)
  }
  if (before?.includes('unpackLimit') !== true) await appendFile(config, SETTINGS)
}
