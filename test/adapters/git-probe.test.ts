import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { probeBranch } from '../../src/adapters/git/probe.ts'
import { createStage } from './git-repositories.ts'

const stage = await createStage()
afterAll(() => stage.close())

const branch = { key: stage.key, repository: stage.repository, branch: 'main', access: {} }
const mirrors = mkdtempSync(join(stage.directory, 'probe-'))
afterAll(() => rmSync(mirrors, { recursive: true, force: true }))

function probe(repository = stage.repository) {
  return probeBranch({ directory: mirrors, searchPath: process.env['PATH'] ?? '' }, { ...branch, repository }, new AbortController().signal)
}

test('an empty repository would take a push, and is as empty afterwards', async () => {
  expect(await probe()).toBeNull()

  expect(stage.foreign(['for-each-ref'])).toBe('')
  expect(stage.foreign(['count-objects'])).toBe('0 objects, 0 kilobytes')
})

test('a branch says where it is; nothing arrives there, no hook is asked, no worker’s mirror is touched', async () => {
  const head = stage.foreignCommit({ 'README.md': 'theirs' })
  stage.hook('pre-receive', 'touch asked; exit 1')

  expect(await probe()).toBe(head)
  expect(await probe(`file://${stage.repository}`)).toBe(head)

  expect(stage.foreign(['rev-parse', 'main'])).toBe(head)
  expect(readdirSync(stage.repository)).not.toContain('asked')
  expect(readdirSync(join(stage.directory, 'mirrors'))).not.toContain(`${stage.key}.git`)
})

test('what is no repository is told without its path', async () => {
  await expect(probe(join(stage.directory, 'absent.git'))).rejects.toMatchObject({
    name: 'GitFault',
    detail: expect.not.stringContaining(stage.directory) as string,
  })
})

test.skipIf(process.getuid?.() === 0)('a repository that this user may not write to does not pass', async () => {
  chmodSync(join(stage.repository, 'objects'), 0o555)

  await expect(probe()).rejects.toMatchObject({ name: 'GitFault', kind: 'wait' })

  chmodSync(join(stage.repository, 'objects'), 0o755)
})
