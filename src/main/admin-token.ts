import { randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isTokenShaped, makeToken, TOKEN_BYTES } from '../core/token.ts'

/**
 * The administrator's token of an installation: read from its file, or made and written there (mode 0600) the first time.
 * Written beside its place and linked into it, so that there is never half a token, and of two processes that start
 * together both have the first one's.
 */
export async function adminToken(dataDir: string): Promise<string> {
  const path = join(dataDir, 'admin-token')
  const existing = await readToken(path)
  if (existing !== null) return existing
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const fresh = `${path}.${randomUUID()}`
  await writeFile(fresh, `${makeToken(randomBytes(TOKEN_BYTES))}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(fresh, path)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
  } finally {
    await rm(fresh, { force: true })
  }
  const token = await readToken(path)
  if (token === null) throw new Error(`${path} vanished while it was made`)
  return token
}

async function readToken(path: string): Promise<string | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw cause
  }
  const token = text.trim()
  if (!isTokenShaped(token)) throw new Error(`${path} holds no token. Remove it, and the next start makes a new one.`)
  return token
}
