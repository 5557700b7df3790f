import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** Whether this machine has one; it is no dependency of the tests. */
export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export type RedisServer = {
  readonly url: string
  start(): Promise<void>
  /** It forgets everything by that. */
  stop(): Promise<void>
}

/** A port of this machine's loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  await once(server.close(), 'close')
  if (address === null || typeof address === 'string') throw new Error('a server on TCP has a port')
  return address.port
}

/** A Redis of the calling file's own, on a Unix socket or a loopback port. May be started again after it was stopped. */
export function redisServer(port: number | null = null): RedisServer {
  const folder = mkdtempSync(join(tmpdir(), 'purser-redis-'))
  const socket = join(folder, 'redis.sock')
  let server: ChildProcess | null = null
  return {
    url: port === null ? socket : `redis://127.0.0.1:${port}`,
    start: async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      server = spawn(
        'redis-server',
        [
          '--bind',
          '127.0.0.1',
          '--port',
          String(port ?? 0),
          '--unixsocket',
          socket,
          '--save',
          '',
          '--appendonly',
          'no',
          '--maxmemory-policy',
          'noeviction',
          '--dir',
          folder,
        ],
        { stdio: 'ignore' },
      )
      const probe = new Redis(socket, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
      probe.on('error', () => undefined)
      await probe.ping()
      probe.disconnect()
    },
    stop: async () => {
      const gone = new Promise((resolve) => server?.once('exit', resolve))
      server?.kill('SIGTERM')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
