import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isTokenShaped } from '../../src/core/token.ts'
import { adminToken } from '../../src/main/admin-token.ts'

let dir = ''
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'purser-token-'))))
afterEach(() => rm(dir, { recursive: true }))

test('the first start makes a token that only its owner can read, and every later start has the same', async () => {
  const first = await adminToken(dir)
  const second = await adminToken(dir)

  expect(isTokenShaped(first)).toBe(true)
  expect(second).toBe(first)
  expect((await stat(join(dir, 'admin-token'))).mode & 0o777).toBe(0o600)
  expect(await readFile(join(dir, 'admin-token'), 'utf8')).toBe(`${first}\n`)
  expect(await readdir(dir)).toEqual(['admin-token'])
})

test('processes that start together have one token', async () => {
  const all = await Promise.all([1, 2, 3].map(() => adminToken(dir)))

  expect(new Set(all).size).toBe(1)
})

test('a file with something else in it is not overwritten', async () => {
  await writeFile(join(dir, 'admin-token'), 'notes')

  await expect(adminToken(dir)).rejects.toThrow(/holds no token/)
  expect(await readFile(join(dir, 'admin-token'), 'utf8')).toBe('notes')
})
