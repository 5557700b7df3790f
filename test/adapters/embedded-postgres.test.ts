import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { findBinaries } from '../../src/adapters/embedded-postgres/binaries.ts'
import { chooseLauncher, databaseEnv } from '../../src/adapters/embedded-postgres/launcher.ts'
import { startEmbeddedPostgres, SUPERUSER, type EmbeddedPostgres } from '../../src/adapters/embedded-postgres/start.ts'

const run = promisify(execFile)
const linux = process.platform === 'linux'

describe('the embedded database', async () => {
  // A folder that only its owner enters, as root's home is: the server has to work below it all the same.
  const home = await mkdtemp(join(tmpdir(), 'purser-embedded-'))
  const dataDir = join(home, 'data')
  let server: EmbeddedPostgres | undefined
  afterEach(async () => server?.stop())
  afterAll(() => rm(home, { recursive: true, force: true }))

  async function start(dir = dataDir): Promise<EmbeddedPostgres> {
    server = await startEmbeddedPostgres({ dataDir: dir })
    return server
  }

  async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url })
    // A server that is killed under an open connection is what some of these tests do.
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }

  async function postmaster(): Promise<number> {
    return Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])
  }

  test('keeps its data over a restart, on the disk before it answers', async () => {
    const first = await start()
    await query(first.url(SUPERUSER, 'postgres'), 'create table kept as select 42 as answer')
    await first.stop()

    const second = await start()

    expect(await query(second.url(SUPERUSER, 'postgres'), 'select answer from kept')).toEqual([{ answer: 42 }])
    expect(
      await query(
        second.url(SUPERUSER, 'postgres'),
        `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commits`,
      ),
    ).toEqual([{ fsync: 'on', commits: 'on' }])
  })

  test('opens no port, and only its owner can enter the folder of its socket', async () => {
    const { url } = await start()

    expect(await query(url(SUPERUSER, 'postgres'), 'show listen_addresses')).toEqual([{ listen_addresses: '' }])
    expect((await stat(join(dataDir, 'run'))).mode & 0o777).toBe(0o700)
  })

  test('refuses a second process on the same data', async () => {
    await start()

    await expect(startEmbeddedPostgres({ dataDir, waitMs: 0 })).rejects.toThrow(/Another Purser/)
  })

  test('waits for one that is shutting down', async () => {
    const first = await start()
    const next = startEmbeddedPostgres({ dataDir })
    await first.stop()

    server = await next

    expect(await query(server.url(SUPERUSER, 'postgres'), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('is free for the next one when it was stopped, with nothing left behind', async () => {
    const { stop } = await start()
    await stop()

    expect(await readdir(join(dataDir, 'run'))).toEqual([])
    await expect(stat(join(dataDir, 'postgres/postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('says so when its server is killed, and starts again after it', async () => {
    const first = await start()
    process.kill(await postmaster(), 'SIGKILL')

    expect((await first.exited).signal).toBe('SIGKILL')
    await first.stop()
    const second = await start()
    expect(await query(second.url(SUPERUSER, 'postgres'), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('starts although the number in a stale postmaster.pid is that of another living process of this user', async () => {
    await writeFile(
      join(dataDir, 'postgres/postmaster.pid'),
      `${process.pid}\n${join(dataDir, 'postgres')}\n1\n5432\n${join(dataDir, 'run')}\n\n 1 1\nready   \n`,
    )

    const { url } = await start()

    expect(await query(url(SUPERUSER, 'postgres'), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('is initialized anew where an earlier start was killed while it initialized', async () => {
    const dir = join(home, 'half')
    await mkdir(join(dir, 'postgres.new/base'), { recursive: true })

    const { url, stop } = await start(dir)

    expect(await query(url(SUPERUSER, 'postgres'), 'select 1 as one')).toEqual([{ one: 1 }])
    await stop()
  })

  test('works where the path of its data is too long for a socket', async () => {
    const deep = join(home, 'd'.repeat(100), 'e'.repeat(100))

    const { url, stop } = await start(deep)

    expect(await query(url(SUPERUSER, 'postgres'), 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await readdir(deep)).not.toContain('run')
    const sockets = new URL(url(SUPERUSER, 'postgres')).searchParams.get('host') ?? ''
    expect((await stat(sockets)).mode & 0o777).toBe(0o700)
    await stop()
    await rm(sockets, { recursive: true })
  })

  test.runIf(linux && process.getuid?.() === 0)('as root runs programs that lie below a closed home themselves', async () => {
    const { postgres } = await findBinaries()
    const closed = join(home, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await cp(join(postgres, '../..'), closed, { recursive: true, verbatimSymlinks: true })

    const launch = await chooseLauncher(
      { initdb: join(closed, 'bin/initdb'), postgres: join(closed, 'bin/postgres') },
      join(closed, 'data'),
    )

    const { file, args } = launch(join(closed, 'bin/initdb'), ['-D', join(closed, 'data'), '--no-sync'])
    await run(file, args, { env: databaseEnv, cwd: '/' })
    expect((await stat(join(closed, 'data'))).isDirectory()).toBe(true)
  })

  test.runIf(process.getuid?.() === 0)('as root leaves the data of an ordinary user theirs', async () => {
    const dir = join(home, 'theirs')
    const first = await start(dir)
    await first.stop()
    await run('chown', ['-R', '4242:4242', dir])

    const second = await start(dir)

    expect(await query(second.url(SUPERUSER, 'postgres'), 'select 1 as one')).toEqual([{ one: 1 }])
    expect((await stat(join(dir, 'postgres/postmaster.pid'))).uid).toBe(4242)
    await second.stop()
  })

  describe.runIf(linux)('under a process that is killed with SIGKILL', () => {
    let child: ChildProcess | undefined
    afterEach(() => child?.kill('SIGKILL'))

    async function startInChild(): Promise<{ child: ChildProcess; url: string }> {
      const started = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, '../support/hold-database.ts'), dataDir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child = started
      const [line] = (await once(started.stdout, 'data')) as [Buffer]
      return { child: started, url: line.toString().trim() }
    }

    test('starts again at once, and keeps what was committed', async () => {
      const first = await startInChild()
      await query(first.url, 'create table if not exists survives (n int); insert into survives values (1)')
      first.child.kill('SIGKILL')
      await once(first.child, 'exit')

      const { url } = await start()

      expect(await query(url(SUPERUSER, 'postgres'), 'select n from survives')).toEqual([{ n: 1 }])
    })

    test('shuts down by itself: nobody has to start again for it', async () => {
      const { child: first } = await startInChild()
      const pid = await postmaster()
      first.kill('SIGKILL')

      await expect.poll(() => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''), { timeout: 10_000, interval: 20 }).toBe('')
    })

    test('is in a session of its own, so that Ctrl-C in the terminal reaches the process and not the database', async () => {
      await start()
      const pid = await postmaster()

      const [, group, session] = /\) \S \d+ (\d+) (\d+)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8')) ?? []

      expect([group, session]).toEqual([String(pid), String(pid)])
    })
  })
})
