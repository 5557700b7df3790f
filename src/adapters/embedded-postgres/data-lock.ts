import { randomBytes } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isErrno } from './places.ts'

/**
 * One process per data folder. The lock is a listening Unix socket: whoever can connect to it knows that its owner lives,
 * and the kernel stops it from listening however the owner dies. A file with a process id would have to guess.
 */
export type DataLock = { release(): Promise<void> }

/**
 * Takes the lock, or throws when another living process holds it for longer than `waitMs`: one that is shutting down (its
 * npm may be gone already) is waited for, so that stop and start can follow each other at once.
 */
export async function lockData(dir: string, waitMs: number): Promise<DataLock> {
  const path = join(dir, 'lock')
  // Listening first and linking into place second makes taking it one atomic step. The name is no longer than that of
  // PostgreSQL's socket, which is known to fit.
  const own = join(dir, `lock.${randomBytes(4).toString('hex')}`)
  const server = await listen(own)
  try {
    await putInPlace(own, path, performance.now() + waitMs)
  } catch (cause) {
    server.close()
    throw cause
  } finally {
    await rm(own, { force: true })
  }
  return {
    async release() {
      await rm(path, { force: true })
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Whether a living process holds the lock. */
export function isLocked(dir: string): Promise<boolean> {
  return isAlive(join(dir, 'lock'))
}

async function putInPlace(own: string, path: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      return await link(own, path)
    } catch (cause) {
      if (!isErrno(cause, 'EEXIST')) throw cause
    }
    if (await isAlive(path)) {
      if (performance.now() > deadline) throw inUse()
      await delay(50)
      continue
    }
    // Stale. Moving it away tells which of two that saw it stale goes first; the loser may have moved the winner's lock
    // and puts it back.
    const aside = own.replace(/lock(\.\w+)$/, 'gone$1')
    const moved = await rename(path, aside).then(
      () => true,
      (cause: unknown) => {
        if (!isErrno(cause, 'ENOENT')) throw cause
        return false
      },
    )
    if (!moved) continue
    if (await isAlive(aside)) await rename(aside, path)
    else await rm(aside, { force: true })
  }
}

function inUse(): Error {
  return new Error('Another Purser runs on this data folder (PURSER_DATA). Stop it first, or give this one a folder of its own.')
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
