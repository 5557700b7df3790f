import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { isObject } from '../core/json.ts'
import { clock, type Io } from './io.ts'
import { openSignInFolder } from './sign-in-file.ts'

/** A token that a job's identity was exchanged for; times in milliseconds since the epoch. */
export type JobToken = { readonly token: string; readonly expiresAt: number }

/** Longer than any of them lives. */
const OVER_MS = 60 * 60_000
const MAX_BYTES = 64 * 1024

/** Where the commands of one job find it, and nobody but its user can read it; null where the environment names no home. */
function folderOf({ env }: Pick<Io, 'env'>): string | null {
  const { XDG_CACHE_HOME: cache = '', HOME: home = '', LOCALAPPDATA: local = '' } = env
  if (isAbsolute(cache)) return join(cache, 'purser')
  if (isAbsolute(home)) return join(home, '.cache', 'purser')
  return isAbsolute(local) ? join(local, 'purser') : null
}

function pathIn(folder: string, key: string): string {
  return join(folder, `job-${key}.json`)
}

/** What an earlier command of the job kept; null where there is nothing that can be trusted. */
export function readJobToken(io: Io, key: string): JobToken | null {
  const folder = folderOf(io)
  if (folder === null) return null
  let file
  try {
    file = openSync(pathIn(folder, key), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch {
    return null
  }
  try {
    const stat = fstatSync(file)
    const own = process.getuid?.()
    const strange = own !== undefined && (stat.uid !== own || (stat.mode & 0o077) !== 0)
    if (strange || !stat.isFile() || stat.size > MAX_BYTES) return null
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isObject(kept) && typeof kept.token === 'string' && typeof kept.expiresAt === 'number'
      ? { token: kept.token, expiresAt: kept.expiresAt }
      : null
  } catch {
    return null
  } finally {
    closeSync(file)
  }
}

/** Keeps it for the next command, and takes away what is over. A machine that has no place for it can do without. */
export function keepJobToken(io: Io, key: string, { token, expiresAt }: JobToken): void {
  const folder = folderOf(io)
  if (folder === null || !openSignInFolder(folder).ok) return
  const path = pathIn(folder, key)
  const fresh = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(fresh, JSON.stringify({ token, expiresAt }), { flag: 'wx', mode: 0o600 })
    renameSync(fresh, path)
    for (const name of readdirSync(folder))
      if (name.startsWith('job-') && statSync(join(folder, name)).mtimeMs < clock(io) - OVER_MS) rmSync(join(folder, name), { force: true })
  } catch {
    rmSync(fresh, { force: true })
  }
}
