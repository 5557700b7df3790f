import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { chmod, lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where one embedded database keeps what, and the name by which its processes are recognised. */
export type Places = {
  readonly cluster: string
  readonly log: string
  readonly sockets: string
  /** Whether the sockets' folder lies where anybody may make folders. */
  readonly socketsShared: boolean
  readonly name: string
}

const SOCKET = '.s.PGSQL.5432'
/** `sun_path` holds 108 bytes with the final NUL, and a longer path is cut off silently by some programs. */
const SOCKET_PATH_MAX = 107

/**
 * The name comes from the real path, so two spellings of one folder are one database. The socket lies beside the data
 * where its path is short enough, else in a folder of the same name below the temporary directory: whoever can enter that
 * folder is let in without a password, so it must be ours alone.
 */
export async function findPlaces(dataDir: string): Promise<Places> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const places = await namePlaces(dataDir)
  await makePrivate(places)
  return places
}

/** The same, where a database was made before; nothing is made or changed. Null: none was. */
export async function lookForPlaces(dataDir: string): Promise<Places | null> {
  const places = await orNull(namePlaces(dataDir))
  if (places === null || (await orNull(lstat(places.cluster))) === null) return null
  const sockets = await orNull(lstat(places.sockets))
  if (sockets !== null) refuseForeign(places, sockets)
  return places
}

/** Null for what is not there. */
function orNull<T>(looked: Promise<T>): Promise<T | null> {
  return looked.catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return null
    throw cause
  })
}

/** A connection string of any role and database there. The socket's folder is the only key, so there is no password. */
export function connectionString({ sockets }: Places, role: string, database: string): string {
  return `postgresql://${encodeURIComponent(role)}@localhost/${encodeURIComponent(database)}?host=${encodeURIComponent(sockets)}`
}

async function namePlaces(dataDir: string): Promise<Places> {
  const root = await realpath(dataDir)
  const name = `purser_${createHash('sha256').update(root).digest('hex').slice(0, 16)}`
  const beside = join(root, 'run')
  const sockets = fits(beside) ? beside : [tmpdir(), '/tmp'].map((dir) => join(dir, `${name}_${process.getuid?.() ?? 0}`)).find(fits)
  if (sockets === undefined) throw new Error('unreachable: the folder below /tmp always fits')
  return { cluster: join(root, 'postgres'), log: join(root, 'postgres.log'), sockets, socketsShared: sockets !== beside, name }
}

function fits(dir: string): boolean {
  return Buffer.byteLength(join(dir, SOCKET)) <= SOCKET_PATH_MAX
}

async function makePrivate(places: Places): Promise<void> {
  await mkdir(places.sockets, { mode: 0o700 }).catch((cause: unknown) => {
    if (!isErrno(cause, 'EEXIST')) throw cause
  })
  const found = await lstat(places.sockets)
  refuseForeign(places, found)
  if ((found.mode & 0o077) !== 0) await chmod(places.sockets, 0o700)
}

/** Below /tmp somebody else can have made it first, to read along; theirs is never used. */
function refuseForeign({ sockets, socketsShared }: Places, found: Stats): void {
  const foreign = socketsShared && process.getuid !== undefined && found.uid !== process.getuid()
  if (!found.isDirectory() || foreign) throw new Error(`${sockets} belongs to somebody else. Remove it, or choose another PURSER_DATA.`)
}

/** Whether a thrown value is a system error of that code. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
