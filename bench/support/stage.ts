import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres, SUPERUSER, type EmbeddedPostgres } from '../../src/adapters/embedded-postgres/start.ts'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { scopes } from '../../src/operations/caller.ts'
import { openDatabase } from '../../src/store/database.ts'
import { embedded, prepareRoles } from '../../src/store/embedded-roles.ts'
import { migrate } from '../../src/store/migrate.ts'
import { keepAdminToken } from '../../src/store/principals.ts'

/** A PostgreSQL as shipped (fsync and synchronous_commit on) and processes beside it, gone together at the end. */
export type Stage = {
  readonly directory: string
  readonly postgres: EmbeddedPostgres
  readonly appUrl: string
  readonly ownerUrl: string
  readonly token: string
  /** `purser serve` of the bundle, without a rate limit; resolves when it is ready. */
  serve(args?: readonly string[]): Promise<{ readonly url: string; readonly pid: number }>
  /** Any script of bench/, with tsx; resolves with its URL when it prints `ready`. */
  run(script: string, env: Readonly<Record<string, string>>): Promise<{ readonly url: string; readonly pid: number }>
  close(): Promise<void>
}

const root = join(import.meta.dirname, '../..')

/** `settings`: of PostgreSQL, besides those it is shipped with. */
export async function openStage(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'purser-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'database'), settings })
  await prepareRoles(postgres.url(SUPERUSER, 'postgres'))
  const [appUrl, ownerUrl] = [postgres.url(embedded.application, embedded.database), postgres.url(embedded.owner, embedded.database)]
  await migrate({ ownerUrl, appUrl, directory: join(root, 'prisma/migrations') })
  const token = makeToken(new Uint8Array(TOKEN_BYTES).fill(7))
  const database = openDatabase({ url: appUrl, poolSize: 2, onIdleError: () => undefined })
  await keepAdminToken(database.pool, hashToken(token), scopes, false)
  await database.close()
  const children: ChildProcess[] = []

  async function start(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    ready: RegExp,
  ): Promise<{ url: string; pid: number }> {
    const port = await freePort()
    const [file = '', ...args] = command
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, ...env, PORT: String(port), HOST: '127.0.0.1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (ready.test(String(chunk))) resolve()
      })
      child.on('exit', (code) => reject(new Error(`${command.join(' ')} ended with ${code}`)))
    })
    return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 }
  }

  return {
    directory,
    postgres,
    appUrl,
    ownerUrl,
    token,
    serve: (args = []) =>
      start(
        ['node', ...(process.env['BENCH_NODE_ARGS']?.split(' ') ?? []), 'dist/main.js', 'serve', ...args],
        {
          DATABASE_URL: appUrl,
          DATABASE_MIGRATE_URL: ownerUrl,
          PURSER_DATA: join(directory, 'data'),
          PURSER_EXAMPLES: 'false',
          PURSER_RATE_LIMIT: '0',
          LOG_LEVEL: 'error',
        },
        /purser ready/,
      ),
    run: (script, env) => start(['node', '--import', 'tsx', script], env, /ready/),
    async close() {
      for (const child of children) {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGINT')
        await gone
      }
      await postgres.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
