import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probeBranch } from '../../src/adapters/git/probe.ts'
import { parseSigningKey } from '../../src/adapters/git/ssh-signature.ts'
import type { CommitPlan, GitBranch, Head } from '../../src/operations/ports.ts'
import { createStage, plan, treeOf, type Stage } from './git-repositories.ts'
import { makeKey, type Key } from './git-servers.ts'

let stage: Stage
let key: Key
beforeAll(async () => {
  stage = await createStage()
  key = makeKey(join(stage.directory, 'signing'))
})
afterAll(() => stage.close())

const signal = new AbortController().signal
const ref = (file: string) => ({ key: stage.key, repository: stage.repository, branch: 'main', access: { signingKey: { file } } })
const open = (file = key.file) => stage.git.open(ref(file), signal)

async function build(branch: GitBranch, head: Head, plans: readonly CommitPlan[]): Promise<readonly string[]> {
  return (await branch.buildCommits(head, plans)).map(({ sha }) => sha)
}

/** Whether git itself takes it for signed by this key. */
function verified(sha: string, by: Key): boolean {
  const allowed = join(stage.directory, 'allowed-signers')
  writeFileSync(allowed, `purser@example.com namespaces="git" ${by.public}\n`)
  try {
    execFileSync('git', ['--git-dir', stage.mirror, '-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'verify-commit', sha], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

const files = (count: number) =>
  Array.from({ length: count }, (_, i) => plan({ message: `ünïcode ${i}\n\nline\n`, files: [{ path: `f/${i}`, content: `${i}\n` }] }))

describe('signed commits', () => {
  test.each([1, 3, 150])('git verifies each of %s in a chain, and their content is what was asked for', async (count) => {
    const branch = open()
    const head = await branch.fetch()

    const shas = await build(branch, head, files(count))

    const sample = [shas[0], shas[1], shas.at(-1)].flatMap((sha) => sha ?? [])
    expect(sample.map((sha) => verified(sha, key))).toEqual(sample.map(() => true))
    const last = shas.at(-1) ?? ''
    const chain = stage.foreign(['--git-dir', stage.mirror, 'rev-list', '--reverse', head === null ? last : `${head}..${last}`])
    expect(chain.split('\n')).toEqual(shas)
    expect(treeOf(stage, last)).toMatchObject({ 'f/0': '0\n', [`f/${count - 1}`]: `${count - 1}\n` })
    expect(stage.foreign(['--git-dir', stage.mirror, 'log', '-1', '--format=%B|%an|%cn|%ct', last])).toBe(
      `ünïcode ${count - 1}\n\nline\n|Alice|Purser|${new Date('2026-11-24T12:00:00Z').getTime() / 1000}`,
    )
    expect(stage.foreign(['--git-dir', stage.mirror, 'fsck', '--strict', last])).not.toMatch(/error|warning/)
    expect(await branch.push(head, last)).toEqual({ kind: 'pushed' })
  })

  test('are the same again when they are built again', async () => {
    const head = await open().fetch()

    expect(await build(open(), head, files(3))).toEqual(await build(open(), head, files(3)))
  })

  test('are not taken for another key’s, nor unsigned ones for signed', async () => {
    const head = await open().fetch()
    const [signed = ''] = await build(open(), head, files(1))
    const [unsigned = ''] = await build(stage.open(), head, files(1))

    expect(verified(signed, makeKey(join(stage.directory, 'another')))).toBe(false)
    expect(verified(unsigned, key)).toBe(false)
  })

  test('are signed by the key that is in the file by then: no restart', async () => {
    const file = join(stage.directory, 'rotating')
    const [first, second] = [makeKey(file), makeKey(join(stage.directory, 'rotated'))]
    const branch = open(file)
    const head = await branch.fetch()
    const [before = ''] = await build(branch, head, files(1))

    writeFileSync(file, execFileSync('cat', [second.file]))
    const [after = ''] = await build(branch, head, files(1))

    expect([verified(before, first), verified(after, first), verified(after, second)]).toEqual([true, false, true])
  })
})

describe('a signing key', () => {
  test('may be PKCS #8 as well', async () => {
    const file = join(stage.directory, 'pkcs8')
    writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }))

    expect(await build(open(file), await open(file).fetch(), files(1))).toHaveLength(1)
  })

  test.each([
    ['there is none', () => undefined, 'the file that gitops.signingKey names cannot be read (ENOENT)'],
    ['it is RSA', (file: string) => execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', file]), null],
    ['it has a passphrase', (file: string) => execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', file]), null],
    ['it is a public one', (file: string) => writeFileSync(file, key.public), null],
    ['it is nothing', (file: string) => writeFileSync(file, ''), null],
  ])('is missed before anything is done, and by the doctor, where %s', async (_, make, detail) => {
    const file = join(stage.directory, 'odd')
    rmSync(file, { force: true })
    make(file)
    const words = detail ?? 'what gitops.signingKey names is no private Ed25519 key without a passphrase (ssh-keygen -t ed25519)'

    await expect(open(file).fetch()).rejects.toMatchObject({ name: 'GitFault', kind: 'wait', detail: words })
    const probe = probeBranch({ directory: join(stage.directory, 'probe'), searchPath: process.env['PATH'] ?? '' }, ref(file), signal)
    await expect(probe).rejects.toMatchObject({ name: 'GitFault', detail: words })
  })

  test('that is cut off anywhere is none', () => {
    const text = execFileSync('cat', [key.file], { encoding: 'utf8' })
    const body = Buffer.from(text.replace(/-----.*-----/g, ''), 'base64')
    const cut = (length: number) =>
      parseSigningKey(
        `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.subarray(0, length).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`,
      )

    expect(cut(body.length)).not.toBeNull()
    for (let length = 0; length < 160; length++) expect(cut(length)).toBeNull()
  })
})
