import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NoToken } from './credential.ts'

/** Longer than whoever holds it can take: two calls of an issuer, each with a limit of its own. */
const STALE_MS = 40_000
const LOOK_AGAIN_MS = 50
const PATIENCE_MS = 60_000

/**
 * Runs one after the other what changes sign-ins, across processes: issuers that rotate refresh tokens take one twice for
 * theft, and end the whole sign-in. The lock is a file that only one can make; one whose process is gone is taken away.
 */
export async function holdSignIns<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, 'lock')
  const mine = `${hostname()} ${process.pid} ${randomBytes(9).toString('base64url')}`
  const patient = performance.now() + PATIENCE_MS
  while (!take(path, mine)) {
    const holder = read(path)
    if (holder !== null && isGone(path, holder)) clear(path, holder)
    else if (performance.now() > patient) throw new NoToken(`Another purser holds ${path} for too long. If there is none, remove it.`)
    else await delay(LOOK_AGAIN_MS)
  }
  try {
    return await work()
  } finally {
    if (read(path) === mine) rmSync(path, { force: true })
  }
}

function take(path: string, mine: string): boolean {
  try {
    writeFileSync(path, mine, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw new NoToken(`${path} cannot be made: a sign-in is renewed where it can be kept.`, error)
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // Gone meanwhile.
  }
}

/** Whether its holder died, or has it for longer than any can. By the machine's clock, which is that of the file. */
function isGone(path: string, holder: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true
  } catch {
    return false
  }
  const [host, pid = ''] = holder.split(' ')
  if (host !== hostname() || !/^[1-9]\d{0,9}$/.test(pid)) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return isCode(error, 'ESRCH')
  }
}

/** Takes away the lock of a holder, and no other: between the look and this, somebody else may have done so and locked. */
function clear(path: string, holder: string): void {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    renameSync(path, aside)
    if (read(aside) !== holder) linkSync(aside, path)
  } catch {
    // Somebody else was first.
  } finally {
    rmSync(aside, { force: true })
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
