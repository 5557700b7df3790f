import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import { openIssuers } from '../../src/adapters/issuer/issuers.ts'
import type { SignIn } from '../../src/cli/sign-in-file.ts'
import { buildApp } from '../../src/faces/http/app.ts'
import { boxes, openHouse } from './house.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'
import { startSigningIn, type Ended, type Running } from './start-signing-in.ts'

export type World = {
  readonly env?: Readonly<Record<string, string>>
  /** How much later it is to the command than it is. */
  readonly laterMs?: number
}

export type SignInYard = {
  readonly url: string
  readonly issuer: TestIssuer
  /** XDG_CONFIG_HOME. */
  readonly folder: string
  readonly file: string
  /** What is kept for the server. */
  kept(): SignIn | undefined
  start(line: string, world?: World): Running
  purser(line: string, world?: World): Promise<Ended>
}

/** A server whose people sign in at a real issuer, and the command of one of them. Call it at the top of the file. */
export async function openSignInYard(): Promise<SignInYard> {
  const folder = mkdtempSync(join(tmpdir(), 'purser-sign-in-'))
  const [house, issuer] = await Promise.all([openHouse(), startIssuer()])
  const log = pino({ level: 'silent' })
  const issuers = openIssuers({ configured: [issuer.url], audience: 'purser', emailDomains: new Map(), log })
  const app = await buildApp({
    context: { ...house.context, issuers },
    log,
    rateLimit: 0,
    stopping: new AbortController().signal,
    signIn: {
      issuers: [issuer.url],
      audience: 'purser',
      clientId: 'purser-cli',
      scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'],
    },
  })
  afterAll(async () => {
    await app.close()
    issuers.close()
    await issuer.stop()
    rmSync(folder, { recursive: true })
  })
  await house.apply(boxes)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const file = join(folder, 'purser', 'credentials.json')
  const start = (line: string, { env = {}, laterMs = 0 }: World = {}) =>
    startSigningIn(
      line,
      { PATH: process.env['PATH'], PURSER_URL: url, PURSER_DATA: '/nonexistent', XDG_CONFIG_HOME: folder, BROWSER: 'true', ...env },
      laterMs,
    )
  return {
    url,
    issuer,
    folder,
    file,
    kept: () => (JSON.parse(readFileSync(file, 'utf8')) as { signIns: Record<string, SignIn> }).signIns[url],
    start,
    purser: (line, world) => start(line, world).ended,
  }
}
