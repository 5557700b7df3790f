import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { purserKeys } from '../../src/main/purser-key.ts'

let dataDir = ''
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'purser-key-'))))
afterEach(() => rm(dataDir, { recursive: true }))

test('beside an embedded database a key is made once, which only its owner can read', async () => {
  const [first, second] = [await purserKeys({ keys: [], dataDir }, true), await purserKeys({ keys: [], dataDir }, true)]

  expect(first.map((key) => key.reveal())).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
  expect(second.map((key) => key.reveal())).toEqual(first.map((key) => key.reveal()))
  expect((await stat(join(dataDir, 'key'))).mode & 0o777).toBe(0o600)
})

test('a key that is configured is taken, and on another database none is made up', async () => {
  const configured = [new Secret('k'.repeat(32))]

  expect(await purserKeys({ keys: configured, dataDir }, true)).toBe(configured)
  expect(await purserKeys({ keys: [], dataDir }, false)).toEqual([])
  expect(await readdir(dataDir)).toEqual([])
})
