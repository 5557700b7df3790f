import { execFile } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { itemsOf, outcomeOf, textAt } from '../support/api.ts'
import { withDatabase } from '../support/database.ts'
import { runPurser, startPurser, type Purser } from '../support/server.ts'

/**
 * `npm start` from its first time to the day after a crash: real processes on one data folder, one life after the other. The
 * folder is below one that only its owner may enter, and its name is one that a shell has to be careful with.
 */

// Real starts, on a machine that has other things to do.
vi.setConfig({ testTimeout: 90_000 })
const run = promisify(execFile)
const linux = process.platform === 'linux'
const root = join(import.meta.dirname, '../..')
const home = mkdtempSync(join(tmpdir(), 'purser-life-'))
chmodSync(home, 0o700)
const data = join(home, "ann's data")
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Set by the test that starts it; the next ones go on from there. */
let purser: Purser
let asked = ''
let token = ''

const alice = { as: 'alice@example.com' }

function database(name: string): object {
  return {
    team: 'payments',
    environment: 'dev',
    changes: [{ action: 'create', blueprint: 'postgres', name, parameters: { size: 's' } }],
  }
}

async function stateOf(id: string): Promise<string> {
  return textAt(await purser.api('GET', `/v1/requests/${id}`, undefined, alice), 'state')
}

type Process = { readonly pid: number; readonly command: string }

/** Everything that runs on a folder, by command line or working directory: Purser, its database, its git. */
async function processesOn(folder: string): Promise<readonly Process[]> {
  if (!linux) return []
  const all = await Promise.all(
    (await readdir('/proc'))
      .filter((entry) => /^\d+$/.test(entry))
      .map(async (pid) => {
        const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
        const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
        return { pid: Number(pid), command, at: `${command} ${environment} ${cwd}` }
      }),
  )
  return all.filter(({ pid, at }) => pid !== process.pid && at.includes(folder)).map(({ pid, command }) => ({ pid, command }))
}

async function postmaster(): Promise<number> {
  return Number((await readFile(join(data, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])
}

describe('the first start', () => {
  const users = readFile('/etc/passwd', 'utf8').catch(() => '')

  test('is ready by itself, with the example platform and a token that only its owner can read', async () => {
    purser = await startPurser({ data })

    token = purser.token
    expect((await stat(join(data, 'admin-token'))).mode & 0o777).toBe(0o600)
    expect((await purser.api('GET', '/readyz')).body).toMatchObject({ ready: true })
    const teams = itemsOf(await purser.api('GET', '/v1/teams')).map((team) => team['metadata'])
    expect(teams).toMatchObject(['dba', 'finance', 'payments', 'platform', 'shop'].map((name) => ({ name })))
    expect(itemsOf(await purser.api('GET', '/v1/requests'))).toEqual([])
    expect(purser.stderr()).toBe('')
  })

  test('prints three lines that plan, ask and read, and that a shell runs as they are', async () => {
    const lines = purser
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('curl '))
    expect(lines).toHaveLength(3)

    const answers: unknown[] = []
    for (const line of lines) {
      const { stdout } = await run('sh', ['-c', line], { cwd: root, timeout: 20_000 })
      answers.push(JSON.parse(stdout))
    }

    expect(answers).toMatchObject([
      { decision: { outcome: 'allowed' }, problem: null },
      { state: 'committed', delivery: { repository: 'embedded', branch: 'main', commit: expect.stringMatching(/^[0-9a-f]{40}$/) } },
      { items: [{ state: 'committed', team: 'payments' }] },
    ])
    asked = textAt({ status: 202, headers: new Headers(), text: '', body: answers[1] as { id: string } }, 'id') // As matched.
  })

  test.runIf(linux)('opens no port but its own, and makes no user', async () => {
    const listening = (await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => ''))))
      .flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => ({ port: Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16), socket: `socket:[${fields[9] ?? ''}]` }))
    const processes = await processesOn(home)
    const sockets = (
      await Promise.all(
        processes.map(async ({ pid }) => {
          const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
          return Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')))
        }),
      )
    ).flat()

    expect(processes.some(({ command }) => command.includes('postgres'))).toBe(true)
    expect(listening.filter(({ socket }) => sockets.includes(socket)).map(({ port }) => port)).toEqual([Number(new URL(purser.url).port)])
    expect(await readFile('/etc/passwd', 'utf8')).toBe(await users)
  })
})

describe('beside a running one', () => {
  test.concurrent('another on the same data refuses in words, and does it no harm', async () => {
    const other = runPurser({ data, args: ['serve', '--work'] })

    expect(await other.ended).toEqual({ code: 1, signal: null })
    expect(other.stderr()).toContain(
      'Another Purser runs on this data folder (PURSER_DATA). Stop it first, or give this one a folder of its own.',
    )
    expect(other.stdout()).toBe('')
    expect((await purser.api('GET', '/readyz')).status).toBe(200)
  })

  test.concurrent('another on its port refuses in words', async () => {
    const { appUrl, ownerUrl } = await withDatabase()
    const { port } = new URL(purser.url)

    const other = runPurser({
      data: join(home, 'other'),
      args: ['serve'],
      env: { PORT: port, DATABASE_URL: appUrl, DATABASE_MIGRATE_URL: ownerUrl },
    })

    expect(await other.ended).toEqual({ code: 1, signal: null })
    expect(other.stderr()).toContain(`Port ${port} of 127.0.0.1 is taken by another program. Stop that one, or set PORT.`)
    expect(other.stdout()).toBe('')
  })

  test.concurrent('the configuration shows what is in force, and no secret', async () => {
    const shown = runPurser({
      data,
      args: ['config'],
      env: {
        DATABASE_URL: 'postgresql://app:hunter2@db.example.com/purser',
        REDIS_URL: 'redis://:hunter2@redis.example.com',
        PURSER_SECRET_HOOK: 'hunter2',
        PURSER_CURRENCY: 'CHF',
      },
    })

    expect(await shown.ended).toEqual({ code: 0, signal: null })
    expect(shown.stdout()).toContain('PURSER_CURRENCY=CHF\n')
    expect(shown.stdout()).toContain('DATABASE_URL=[secret]\n')
    expect(shown.stdout()).toContain('PURSER_SECRET_HOOK=[secret]\n')
    expect(shown.stdout() + shown.stderr()).not.toContain('hunter2')
  })

  test.concurrent('a wrong configuration is refused whole, before anything is started', async () => {
    const refused = runPurser({
      data: join(home, 'never'),
      args: ['serve'],
      env: { PORT: 'eighty', PURSER_CURENCY: 'EUR', LOG_LEVEL: 'loud' },
    })

    expect(await refused.ended).toEqual({ code: 2, signal: null })
    expect(refused.stderr().trim().split('\n')).toHaveLength(3)
    expect(await stat(join(home, 'never')).catch(() => null)).toBeNull()
  })
})

describe('the stop signal', () => {
  let waiting = ''

  test('answers who still waits, takes nobody new, ends with 0 and leaves no process behind', async () => {
    // A repository that refuses: what is asked for stays queued.
    const hook = join(data, 'gitops.git/hooks/pre-receive')
    mkdirSync(join(data, 'gitops.git/hooks'), { recursive: true })
    writeFileSync(hook, '#!/bin/sh\necho "not now" >&2\nexit 1\n', { mode: 0o755 })
    const waited = purser.api('POST', '/v1/requests', database('waiting-db'), { ...alice, headers: { prefer: 'wait=30' } })
    await expect
      .poll(async () => itemsOf(await purser.api('GET', '/v1/requests?state=queued', undefined, alice)).length, { timeout: 10_000 })
      .toBe(1)

    const ended = await purser.stop('SIGTERM')

    const answer = await waited
    expect(outcomeOf(answer)).toBe('202 queued')
    waiting = textAt(answer, 'id')
    expect(ended).toEqual({ code: 0, signal: null })
    expect(await processesOn(home)).toEqual([])
    await expect(reach(purser.url)).rejects.toThrow('ECONNREFUSED')
    rmSync(hook)
  })

  test('loses nothing: the next start has the same token, the same requests, and delivers what waited', async () => {
    purser = await startPurser({ data })

    expect(purser.token).toBe(token)
    expect(await stateOf(asked)).toBe('committed')
    await expect.poll(() => stateOf(waiting), { timeout: 20_000 }).toBe('committed')
  })
})

describe.runIf(linux)('after a crash', () => {
  test('of the process the next start goes on where it was', async () => {
    const answer = await purser.api('POST', '/v1/requests', database('crash-db'), alice)
    await purser.stop('SIGKILL')

    purser = await startPurser({ data })

    await expect.poll(() => stateOf(textAt(answer, 'id')), { timeout: 20_000 }).toBe('committed')
    expect(await stateOf(asked)).toBe('committed')
  })

  test('of the database the process ends by itself and says why, and the next start goes on where it was', async () => {
    process.kill(await postmaster(), 'SIGKILL')

    expect(await purser.ended).toEqual({ code: 1, signal: null })
    expect(purser.stderr()).toContain('the embedded database server ended')

    purser = await startPurser({ data })
    expect(await stateOf(asked)).toBe('committed')
  })
})

describe('Ctrl-C', () => {
  test('ends a running one with 0, without a word, and leaves no process behind', async () => {
    expect(await purser.stop('SIGINT')).toEqual({ code: 0, signal: null })
    expect(await processesOn(home)).toEqual([])
    expect(purser.stderr()).toBe('')
  })

  test.runIf(linux)('in the middle of a start lets it go no further', async () => {
    const starting = runPurser({ data, args: ['serve', '--work'] })
    const databaseRuns = async () => (await processesOn(data)).some(({ command }) => command.includes('postgres'))
    await expect.poll(databaseRuns, { timeout: 30_000, interval: 5 }).toBe(true)

    expect(await starting.stop('SIGINT')).toEqual({ code: 0, signal: null })
    expect([starting.stdout(), starting.stderr()]).toEqual(['', ''])
    await expect.poll(() => processesOn(home), { timeout: 20_000 }).toEqual([])
  })
})

test('root is not needed: an ordinary user starts and stops it alike', async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'every other test here was run by an ordinary user')
  const user = { uid: 65_534, gid: 65_534 }
  const readable = await run(process.execPath, ['-e', 'fs.readFileSync("src/main.ts"), fs.readdirSync("node_modules")'], {
    ...user,
    cwd: root,
  }).then(
    () => true,
    () => false,
  )
  skip(!readable, 'this checkout is below a folder that no other user may enter')
  const theirs = mkdtempSync(join(tmpdir(), 'purser-theirs-'))
  chownSync(theirs, user.uid, user.gid)
  chmodSync(theirs, 0o700)

  const started = await startPurser({ data: join(theirs, 'data'), user, env: { HOME: theirs } })
  const answer = await started.api('POST', '/v1/requests', database('theirs'), { ...alice, headers: { prefer: 'wait=20' } })
  const ended = await started.stop()

  expect(outcomeOf(answer)).toBe('202 committed')
  expect(ended).toEqual({ code: 0, signal: null })
  expect((await stat(join(theirs, 'data/postgres'))).uid).toBe(user.uid)
  expect(await processesOn(theirs)).toEqual([])
  rmSync(theirs, { recursive: true, force: true })
})

async function reach(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(void socket.destroy()))
    socket.once('error', reject)
  })
}
