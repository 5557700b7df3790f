import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findBinaries, type Binaries } from './binaries.ts'
import { lockData } from './data-lock.ts'
import { chooseLauncher, databaseEnv, type Launcher } from './launcher.ts'
import { endLeftover } from './leftover.ts'
import { connectionString, findPlaces, type Places } from './places.ts'

const run = promisify(execFile)

/** How a database process ended. */
export type DatabaseExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type EmbeddedPostgres = {
  /** A connection string of any role and database here. */
  url(role: string, database: string): string
  /** Settles when the server's process ends, for whatever reason. */
  readonly exited: Promise<DatabaseExit>
  /** Fast shutdown: sessions end, everything is written. Idempotent. */
  stop(): Promise<void>
}

export type EmbeddedPostgresOptions = {
  /** PURSER_DATA; the database is its folder `postgres`. */
  readonly dataDir: string
  /** Told about what is unusual; one static sentence with data beside it. */
  readonly onNotice?: (message: string, data: Readonly<Record<string, unknown>>) => void
  /** How long to wait for another process on the same data to end before refusing. */
  readonly waitMs?: number
  /** Settings on top of the built-in ones. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The superuser that initdb makes; only for making roles and databases. */
export const SUPERUSER = 'postgres'

/**
 * fsync and synchronous_commit stay at their defaults (on): an answered request is on the disk. Errors are logged
 * without their details, since a "Failing row contains (…)" has the row in it.
 */
const settings = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '64MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  // Processes that a single small server does without, for a quicker start.
  io_method: 'sync',
  max_logical_replication_workers: '0',
  // The planner's guess that makes sense on anything but spinning disks, and JIT that takes longer than our queries.
  random_page_cost: '1.1',
  jit: 'off',
} as const

const START_LIMIT_MS = 30_000

/**
 * Starts PostgreSQL on `dataDir`, making the database first where there is none. It listens on a Unix socket only, in a
 * folder that only this user can enter; runs in a session of its own, so that Ctrl-C reaches us and not it; and goes when
 * this process goes. A second process on the same data is refused.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries()
  const places = await findPlaces(options.dataDir)
  const lock = await lockData(places.sockets, options.waitMs ?? 5_000)
  try {
    await endLeftover(places, (pids) =>
      options.onNotice?.('a database server of an earlier run is still there; waiting for it to end', { pids }),
    )
    const launch = await chooseLauncher(binaries, places.cluster)
    await initialize(binaries, places, launch)
    const server = await launchServer(binaries, places, launch, options.settings ?? {})
    let stopping: Promise<void> | undefined
    return {
      exited: server.exited,
      url: (role, database) => connectionString(places, role, database),
      stop: () => (stopping ??= stopServer(server).then(() => lock.release())),
    }
  } catch (cause) {
    await lock.release()
    throw cause
  }
}

/** Made beside its place and moved there when complete: a start that was killed half-way leaves nothing to trip over. */
async function initialize(binaries: Binaries, places: Places, launch: Launcher): Promise<void> {
  if (await stat(join(places.cluster, 'PG_VERSION')).catch(() => null)) return
  const fresh = `${places.cluster}.new`
  await rm(fresh, { recursive: true, force: true })
  // --no-sync saves about a second; PostgreSQL itself syncs what it writes from the first start on.
  const how = [
    '--encoding=UTF8',
    '--locale=C',
    '--auth-local=trust',
    '--auth-host=reject',
    '--data-checksums',
    '--no-sync',
    '--no-instructions',
  ]
  const { file, args } = launch(binaries.initdb, ['-D', fresh, '-U', SUPERUSER, ...how])
  await run(file, args, { env: databaseEnv, cwd: '/', timeout: 60_000 })
  await rename(fresh, places.cluster)
}

type Server = { readonly child: ChildProcess; readonly exited: Promise<DatabaseExit> }

async function launchServer(
  binaries: Binaries,
  places: Places,
  launch: Launcher,
  extra: Readonly<Record<string, string>>,
): Promise<Server> {
  const all = { ...settings, cluster_name: places.name, unix_socket_directories: `"${places.sockets.replaceAll('"', '""')}"`, ...extra }
  const { file, args } = launch(binaries.postgres, [
    '-D',
    places.cluster,
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ])
  // A file, not a pipe: a pipe would break when this process is killed while the server still shuts down.
  const log = await open(places.log, 'w', 0o600)
  const child = spawn(file, args, { env: databaseEnv, cwd: '/', detached: true, stdio: ['ignore', log.fd, log.fd] })
  const exited = new Promise<DatabaseExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  await log.close()
  await untilReady({ child, exited }, places)
  return { child, exited }
}

/** PostgreSQL writes its state into postmaster.pid; reading it needs no connection (pg_ctl waits the same way). */
async function untilReady(server: Server, places: Places): Promise<void> {
  let gone: DatabaseExit | undefined
  void server.exited.then((exit) => (gone = exit))
  const began = Date.now()
  for (;;) {
    const lines = await readFile(join(places.cluster, 'postmaster.pid'), 'utf8').then(
      (text) => text.split('\n'),
      () => [],
    )
    if (Number(lines[0]) === server.child.pid && lines[7]?.trim() === 'ready') return
    if (gone !== undefined)
      throw new Error(`The embedded PostgreSQL did not start (exit ${gone.code ?? gone.signal}): ${await logEnd(places)}`)
    if (Date.now() - began > START_LIMIT_MS) {
      await stopServer(server)
      throw new Error(`The embedded PostgreSQL was not ready after ${START_LIMIT_MS / 1000} s: ${await logEnd(places)}`)
    }
    await delay(10)
  }
}

async function logEnd(places: Places): Promise<string> {
  const text = await readFile(places.log, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-3).join(' | ').slice(0, 600)
}

async function stopServer({ child, exited }: Server): Promise<void> {
  child.kill('SIGINT')
  const immediate = setTimeout(() => child.kill('SIGQUIT'), 10_000)
  const killed = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await exited
  clearTimeout(immediate)
  clearTimeout(killed)
}
