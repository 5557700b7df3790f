import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { isObject, setOwn } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import type { Io } from './io.ts'

/** What `purser login` brought home from one issuer for one server. */
export type SignIn = {
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  readonly scopes: readonly string[]
  /** Whom the issuer named, to be shown only: who asks is the server's to say. */
  readonly who: string
  readonly accessToken: string
  /** Null: the issuer gave none, or takes it no more. */
  readonly refreshToken: string | null
  /** RFC 3339. */
  readonly refreshAt: string
  readonly expiresAt: string
}

/** By the address of the server that the token was got for, and that alone it is sent to. */
type SignIns = Readonly<Record<string, SignIn>>

const FILE = 'credentials.json'
const MAX_BYTES = 1024 * 1024

/** The folder that holds sign-ins; null where the environment names no home. */
export function signInFolder(io: Pick<Io, 'env'>): string | null {
  const { XDG_CONFIG_HOME: config = '', HOME: home = '', APPDATA: appData = '' } = io.env
  if (isAbsolute(config)) return join(config, 'purser')
  if (isAbsolute(home)) return join(home, '.config', 'purser')
  return isAbsolute(appData) ? join(appData, 'purser') : null
}

export function signInPath(folder: string): string {
  return join(folder, FILE)
}

/** The sign-in to a server, null when there is none; or a sentence on why what is there cannot be trusted. */
export function readSignIn(folder: string | null, url: string): Result<SignIn | null, string> {
  if (folder === null) return ok(null)
  const all = readAll(folder)
  return all.ok ? ok(Object.hasOwn(all.value, url) ? (all.value[url] ?? null) : null) : all
}

/** Puts a sign-in in the place of what is there for a server, or takes it away. Only under the lock of `holdSignIns`. */
export function writeSignIn(folder: string, url: string, signIn: SignIn | null): Result<void, string> {
  const all = readAll(folder)
  if (!all.ok) return all
  const next: Record<string, SignIn> = {}
  for (const [key, one] of Object.entries(all.value)) if (key !== url) setOwn(next, key, one)
  if (signIn !== null) setOwn(next, url, signIn)
  const path = signInPath(folder)
  const fresh = `${path}.${randomBytes(6).toString('hex')}`
  try {
    // Nobody sees half a file, and whoever fails here leaves the one before.
    const file = openSync(fresh, 'wx', 0o600)
    try {
      writeSync(file, `${JSON.stringify({ version: 1, signIns: next }, null, 2)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(fresh, path)
    return ok(undefined)
  } catch (error) {
    rmSync(fresh, { force: true })
    return refuse(`${path} cannot be written (${codeOf(error)})`)
  }
}

/** Makes the folder, for its owner alone. */
export function openSignInFolder(folder: string): Result<void, string> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const stat = lstatSync(folder)
    if (!stat.isDirectory()) return refuse(`${folder} is not a folder of its own`)
    if (isStrange(stat)) return refuse(`${folder} belongs to somebody else`)
    if (hasModes && (stat.mode & 0o077) !== 0) chmodSync(folder, 0o700)
    return ok(undefined)
  } catch (error) {
    return refuse(`${folder} cannot be made or used (${codeOf(error)})`)
  }
}

/** Windows has no such bits: there a profile's folder is its owner's. */
const hasModes = process.platform !== 'win32'

function readAll(folder: string): Result<SignIns, string> {
  const path = signInPath(folder)
  let file
  try {
    // Neither through a link, which somebody else may have laid, nor into a pipe that never ends.
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return ok({})
    return refuse(
      code === 'ELOOP' ? `${path} is a link, and is not followed: put the file itself there` : `${path} cannot be read (${code})`,
    )
  }
  try {
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size > MAX_BYTES) return refuse(`${path} is not what purser login writes. Remove it, and sign in again`)
    if (isStrange(stat)) return refuse(`${path} belongs to somebody else`)
    if (hasModes && (stat.mode & 0o077) !== 0)
      return refuse(`${path} can be read or written by others. If nobody did: chmod 600 ${path}; else sign out and in again`)
    return parse(readFileSync(file, 'utf8'), path)
  } catch (error) {
    return refuse(`${path} cannot be read (${codeOf(error)})`)
  } finally {
    closeSync(file)
  }
}

function parse(text: string, path: string): Result<SignIns, string> {
  const damaged = refuse(`${path} is not what purser login writes. Remove it, and sign in again`)
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return damaged
  }
  if (!isObject(content) || content.version !== 1 || !isObject(content.signIns)) return damaged
  const all: Record<string, SignIn> = {}
  for (const [url, one] of Object.entries(content.signIns)) {
    if (!isSignIn(one)) return damaged
    setOwn(all, url, one)
  }
  return ok(all)
}

function isSignIn(value: unknown): value is SignIn {
  if (!isObject(value)) return false
  const { refreshToken, scopes, refreshAt, expiresAt, ...rest } = value
  return (
    (refreshToken === null || typeof refreshToken === 'string') &&
    Array.isArray(scopes) &&
    scopes.every((scope) => typeof scope === 'string') &&
    [refreshAt, expiresAt].every((time) => typeof time === 'string' && !Number.isNaN(Date.parse(time))) &&
    [rest['issuer'], rest['clientId'], rest['audience'], rest['who'], rest['accessToken']].every((text) => typeof text === 'string')
  )
}

function isStrange({ uid }: { readonly uid: number }): boolean {
  const own = process.getuid?.()
  return own !== undefined && uid !== own
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'for a reason of its own'
}
