import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, expect } from 'vitest'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { buildApp } from '../../src/faces/http/app.ts'
import type { HttpApp } from '../../src/faces/http/http-app.ts'
import type { BranchHistory } from '../../src/operations/branch-history.ts'
import { scopes } from '../../src/operations/caller.ts'
import { keepAdminToken } from '../../src/store/principals.ts'
import { openApi, type Api, type Seen } from './api.ts'
import { leaksIn, remember } from './made-secrets.ts'
import { openHouse, type Believed, type House } from './house.ts'

/** Somebody who answers over HTTP, and the administrator's token. */
export type Server = { readonly url: string; readonly token: string; readonly api: Api }

export type InProcess = Server & {
  readonly house: House
  readonly app: HttpApp
  /** Every line that was logged. */
  readonly log: string[]
  /** Abort it, and the server behaves as from the stop signal on. */
  readonly stopping: AbortController
}

export type ServerOptions = Believed & { readonly rateLimit?: number; readonly seen?: (answer: Seen) => void }

/** House and HTTP face in this process, on a free port; nothing is delivered. Call it at the top of the file. */
export async function openServer({ rateLimit = 0, seen, ...believed }: ServerOptions = {}): Promise<InProcess> {
  const house = await openHouse(believed)
  const token = remember(makeToken(randomBytes(TOKEN_BYTES)))
  await keepAdminToken(house.context.database.pool, hashToken(token), scopes, false)
  const log: string[] = []
  const sink = new Writable({ write: (chunk, _encoding, done) => (log.push(String(chunk)), done()) })
  // Registered first, so it runs last: when nothing is logged any more.
  afterAll(() => expect(leaksIn(log.join(''))).toEqual([]))
  const stopping = new AbortController()
  const app = await buildApp({
    context: house.context,
    history: noCommits,
    log: pino({ level: 'trace' }, sink),
    rateLimit,
    stopping: stopping.signal,
  })
  afterAll(() => {
    // As the stop signal does first: streams end by it.
    stopping.abort()
    return app.close()
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, token, api: openApi(url, token, app.swagger(), seen), house, app, log, stopping }
}

/** Nothing is delivered here, so no branch has a commit. */
const noCommits: BranchHistory = {
  fetch: async () => null,
  listCommits: async () => null,
  readPaths: async () => [],
  findInHistory: async () => new Set(),
  close: async () => undefined,
}

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** The real process. `url`, `token` and `api` are there once it is ready. */
export type Purser = Server & {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<Ended>
  /** As Ctrl-C does it, or another signal; resolves when the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

export type PurserOptions = {
  /** PURSER_DATA. */
  readonly data: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** What Node runs before `args`; the command as it is in the source when left out. */
  readonly program?: readonly string[]
  /** The user to run as. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** `purser serve --work` on a free port, ready. Throws what it printed when it ends before that. */
export async function startPurser(options: PurserOptions): Promise<Purser> {
  const run = runPurser({ args: ['serve', '--work'], ...options })
  const ready = run.printed(/^purser ready on (\S+)$/m)
  const first = await Promise.race([ready, run.ended])
  if (!Array.isArray(first)) throw new Error(`purser ended before it was ready: ${run.stdout()}${run.stderr()}`)
  const url = first[1] ?? ''
  const token = (await readFile(join(options.data, 'admin-token'), 'utf8')).trim()
  remember(token)
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as object
  return { ...run, url, token, api: openApi(url, token, document) }
}

export type Run = Pick<Purser, 'pid' | 'stdout' | 'stderr' | 'ended' | 'stop'> & {
  /** Resolves with the match once standard output has one. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>
}

const fromSource = ['--import', 'tsx', 'src/main.ts']

/**
 * The command as it is in the source: `dist` may be older while somebody is at work. It sees nothing of this environment
 * but PATH and HOME, and is killed at the end of the file at the latest.
 */
export function runPurser({ data, env = {}, args = [], program = fromSource, user }: PurserOptions): Run {
  const root = join(import.meta.dirname, '../..')
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: root,
    env: { PATH, HOME, PORT: '0', LOG_LEVEL: 'warn', PURSER_DATA: data, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)))
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Ended) // What `close` tells.
  afterAll(async () => {
    child.kill('SIGKILL')
    await ended
    expect(leaksIn(stdout + stderr)).toEqual([])
  })
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    stop(signal = 'SIGINT') {
      child.kill(signal)
      return ended
    },
    printed: (pattern) =>
      new Promise((resolve) => {
        function look(): void {
          const match = pattern.exec(stdout)
          if (match !== null) resolve(match)
        }
        child.stdout.on('data', look)
        look()
      }),
  }
}
