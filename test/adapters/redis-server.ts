import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
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

/** A Redis of the calling file's own, on a Unix socket. */
export function redisServer(): { readonly url: string; start(): Promise<void>; stop(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'purser-redis-'))
  const socket = join(folder, 'redis.sock')
  let server: ChildProcess | null = null
  return {
    url: socket,
    start: async () => {
      server = spawn(
        'redis-server',
        ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction', '--dir', folder],
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
