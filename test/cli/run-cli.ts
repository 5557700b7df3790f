import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach } from 'vitest'
import { runCli } from '../../src/cli/cli.ts'
import type { Io } from '../../src/cli/io.ts'
import { refusing, startFakeApi, type FakeApi, type Reply, type Seen } from './fake-api.ts'

export type Ran = { readonly exit: number; readonly stdout: string; readonly stderr: string; readonly pauses: readonly number[] }
export type World = { readonly env?: Record<string, string>; readonly stdin?: string; readonly terminal?: boolean }

/** Runs the command in this process, in a world of its own: its streams, its environment, and a clock that only waiting moves. */
export async function runPurser(args: readonly string[], world: World = {}): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const pauses: number[] = []
  let now = Date.parse('2026-11-24T12:00:00Z')
  const isTTY = world.terminal === true
  const io: Io = {
    env: { PURSER_DATA: '/nonexistent', ...world.env },
    stdin: Object.assign(Readable.from([Buffer.from(world.stdin ?? '')]), { isTTY }),
    stdout: { write: (text) => out.push(text), isTTY, columns: 80 },
    stderr: { write: (text) => err.push(text), isTTY, columns: 80 },
    now: () => now,
    pause: async (ms) => {
      pauses.push(ms)
      now += ms
    },
  }
  const exit = await runCli(args, io)
  return { exit, stdout: out.join(''), stderr: err.join(''), pauses }
}

/** A fake API and a folder for each test, and the command run against them. */
export function fakeApiPerTest() {
  let api: FakeApi
  const world = {
    directory: '',
    /** What the API answers; not-found until a test says otherwise. */
    answer: notFound,
    get seen(): readonly Seen[] {
      return api.seen
    },
    get url(): string {
      return api.url
    },
    async purser(line: string | readonly string[], given: World = {}): Promise<Ran> {
      const args = typeof line === 'string' ? line.split(' ') : line
      return await runPurser(args, { ...given, env: { PURSER_URL: api.url, PURSER_TOKEN: 'secret-token', ...given.env } })
    },
    file(name: string, text: string): string {
      const path = join(world.directory, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
      return path
    },
  }
  beforeEach(async () => {
    world.answer = notFound
    world.directory = mkdtempSync(join(tmpdir(), 'purser-cli-'))
    api = await startFakeApi((seen, nth) => world.answer(seen, nth))
  })
  afterEach(async () => {
    await api.close()
    rmSync(world.directory, { recursive: true })
  })
  return world
}

function notFound(_seen: Seen, _nth: number): Reply {
  return refusing({ code: 'not-found' })
}
