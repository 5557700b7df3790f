import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, vi } from 'vitest'
import { parseYamlDocuments } from '../../src/core/yaml.ts'
import { embedded, prepareRoles } from '../../src/store/embedded-roles.ts'
import { startEmbeddedPostgres, SUPERUSER, type EmbeddedPostgres } from '../../src/adapters/embedded-postgres/start.ts'
import { freePort, hasRedis, redisServer, type RedisServer } from '../adapters/redis-server.ts'
import { boxes } from './house.ts'
import { openPurse, type Purse } from './purse.ts'
import { runPurser, startPurser, type Ended, type Purser, type Run } from './server.ts'

export type Redis = { readonly url: string; readonly server: RedisServer | null }

/** A Redis of the calling file's own, else the one of REDIS_URL (which nobody stops), else null, and that is said aloud. */
export async function openRedis(): Promise<Redis | null> {
  if (hasRedis()) {
    const server = redisServer(await freePort())
    await server.start()
    afterAll(() => server.stop())
    return { url: server.url, server }
  }
  const url = process.env['REDIS_URL'] ?? ''
  if (url !== '') return { url, server: null }
  process.stderr.write('redis-server is not installed here and REDIS_URL is not set: several processes are NOT tested\n')
  return null
}

/** Of a process of this machine; 0 when it is gone. */
export function parentOf(pid: number): number {
  try {
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }))
  } catch {
    return 0
  }
}

const root = join(import.meta.dirname, '../..')
export const PATIENCE = { timeout: 40_000, interval: 50 }

export type Database = {
  stop(): Promise<void>
  /** As `kill -9`. */
  crash(): Promise<void>
  start(): Promise<void>
}

/** An installation of several processes: each has a data folder of its own, they share PostgreSQL, Redis and a repository. */
export type Replicas = {
  /** Those that answer over HTTP; each made an administrator's token, and knows those of the others. */
  readonly serve: Purser[]
  readonly work: Run[]
  /** One of `serve`, whatever the number. */
  at(i: number): Purser
  /** Lines of level `error` and above that any process has logged. */
  bugs(): readonly string[]
  readonly database: Database
  readonly purse: Purse
  /** A bare one on this machine, reached as `file://`. */
  readonly repository: string
  apply(at: Purser, yaml: string): Promise<void>
  startServe(): Promise<Purser>
  startWork(): Promise<Run>
  /** Another command of the same installation, such as `doctor`. */
  run(...args: readonly string[]): Run
  /** The version after this one, in commands of the same installation: it has one migration more. */
  next(...args: readonly string[]): Run
  /** Request ids of the commits on the branch, oldest first. */
  committed(): readonly string[]
  /** Resolves when all of these requests are committed. */
  untilCommitted(ids: readonly string[]): Promise<void>
  /** SIGTERM to everything that runs; how each of them ended. */
  stopAll(): Promise<readonly Ended[]>
}

/** Three that answer and three that deliver, with the tests' own platform. Call it at the top of the file. */
export async function openReplicas(redisUrl: string, documents: string): Promise<Replicas> {
  const home = mkdtempSync(join(tmpdir(), 'purser-replicas-'))
  afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  const [program, database] = await Promise.all([bundle(home), openPostgres(join(home, 'database'))])
  const repository = join(home, 'gitops.git')
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository])
  const purse = openPurse(database.ownerUrl)
  let started = 0
  const options = (...args: readonly string[]) => ({
    data: join(home, `data-${++started}`),
    program: [program],
    args,
    env: {
      DATABASE_URL: database.appUrl,
      DATABASE_MIGRATE_URL: database.ownerUrl,
      REDIS_URL: redisUrl,
      PURSER_ALLOW_FILE_REPOSITORIES: 'true',
      PURSER_EXAMPLES: 'false',
      PURSER_RATE_LIMIT: '0',
    },
  })
  const all: Pick<Run, 'stderr'>[] = []
  async function startServe(): Promise<Purser> {
    const one = await startPurser(options('serve'))
    all.push(one)
    return one
  }
  async function startWork(): Promise<Run> {
    const run = runPurser(options('work'))
    all.push(run)
    await Promise.race([run.printed(/working/), run.ended.then(() => Promise.reject(new Error(`it did not start: ${run.stderr()}`)))])
    return run
  }
  // All at once, on a database that nobody has migrated yet.
  const serve = await Promise.all([startServe(), startServe(), startServe()])
  const work = await Promise.all([startWork(), startWork(), startWork()])
  const platform = boxes.replaceAll('gitops: {', `gitops: { repository: 'file://${repository}',`)
  for (const one of serve.slice(0, 1)) await apply(one, `${platform}\n---\n${documents}`)

  return {
    serve,
    work,
    at(i) {
      const one = serve[i % serve.length]
      if (one === undefined) throw new Error('unreachable: a remainder is an index')
      return one
    },
    bugs: () => all.flatMap((one) => one.stderr().split('\n')).filter((line) => /"level":"(error|fatal)"/.test(line)),
    database,
    purse,
    repository,
    apply,
    startServe,
    startWork,
    run: (...args) => runPurser(options(...args)),
    next(...args) {
      const run = runPurser({ ...options(...args), program: [nextVersion(home)] })
      all.push(run)
      return run
    },
    committed: () => commits(repository),
    async untilCommitted(ids) {
      await vi.waitFor(async () => {
        const rows = await purse.query("select state, count(*)::int from request where type_id('req', id) = any($1) group by state", [ids])
        expect(rows).toEqual([{ state: 'committed', count: ids.length }])
      }, PATIENCE)
    },
    stopAll: () => Promise.all([...serve, ...work].map((one) => one.stop('SIGTERM'))),
  }
}

async function apply(at: Purser, yaml: string): Promise<void> {
  const parsed = parseYamlDocuments(yaml)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
  const applied = await at.api('POST', '/v1/apply', { documents: parsed.value })
  expect(applied.status, applied.text).toBe(200)
}

/** The command as it is in the source, bundled: six processes from the source itself would take half a minute to start. */
async function bundle(home: string): Promise<string> {
  const out = join(home, 'purser')
  mkdirSync(out)
  for (const part of ['node_modules', 'prisma', 'package.json']) symlinkSync(join(root, part), join(out, part))
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/build.ts', join(out, 'dist')], { cwd: root })
  return join(out, 'dist/main.js')
}

/** The same program beside one migration more; made once. */
function nextVersion(home: string): string {
  const out = join(home, 'next')
  if (!existsSync(out)) {
    mkdirSync(out)
    for (const part of ['node_modules', 'package.json']) symlinkSync(join(root, part), join(out, part))
    cpSync(join(home, 'purser/dist'), join(out, 'dist'), { recursive: true })
    cpSync(join(root, 'prisma'), join(out, 'prisma'), { recursive: true })
    mkdirSync(join(out, 'prisma/migrations/99990101000000_next'))
    writeFileSync(join(out, 'prisma/migrations/99990101000000_next/migration.sql'), 'create table next_version (a int);\n')
  }
  return join(out, 'dist/main.js')
}

/** A PostgreSQL that can be stopped and started, with nothing but two roles and an empty database in it. */
async function openPostgres(dataDir: string): Promise<Database & { readonly appUrl: string; readonly ownerUrl: string }> {
  let server: EmbeddedPostgres | null = null
  async function start(): Promise<EmbeddedPostgres> {
    return (server = await startEmbeddedPostgres({ dataDir, settings: { max_connections: '200' } }))
  }
  const first = await start()
  afterAll(() => server?.stop())
  await prepareRoles(first.url(SUPERUSER, 'postgres'))
  return {
    appUrl: first.url(embedded.application, embedded.database),
    ownerUrl: first.url(embedded.owner, embedded.database),
    stop: async () => server?.stop(),
    async crash() {
      process.kill(Number(readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
      // Frees the data for the next start.
      await server?.stop()
    },
    start: async () => void (await start()),
  }
}

function commits(repository: string): readonly string[] {
  const format = '--format=%(trailers:key=Purser-Request,valueonly,separator=%x2C)'
  const log = execFileSync('git', ['--git-dir', repository, 'log', '--reverse', format, 'main'], { encoding: 'utf8' })
  return log.split('\n').filter((line) => line !== '')
}
