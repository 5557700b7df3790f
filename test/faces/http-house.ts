import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { afterAll, expect } from 'vitest'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { buildApp, type AppOptions } from '../../src/faces/http/app.ts'
import type { HttpApp } from '../../src/faces/http/http-app.ts'
import { scopes } from '../../src/operations/caller.ts'
import { keepAdminToken } from '../../src/store/principals.ts'
import { leaksIn, remember } from '../support/made-secrets.ts'
import { openHouse, type Believed, type House } from '../support/house.ts'

/** A house with its HTTP face, and one who may do everything. */
export type HttpHouse = {
  readonly house: House
  readonly app: HttpApp
  readonly token: string
  readonly stopping: AbortController
  /** Every line that was logged. */
  readonly log: string[]
  /** As the administrator, or on behalf of a person. */
  ask(options: InjectOptions & { readonly as?: string }): Promise<LightMyRequestResponse>
}

/** Call it at the top of the file. */
export async function openHttpHouse(
  options: Pick<AppOptions, 'rateLimit' | 'limits' | 'metrics'> = { rateLimit: 0 },
  believed: Believed = {},
): Promise<HttpHouse> {
  const house = await openHouse(believed)
  const token = remember(makeToken(randomBytes(TOKEN_BYTES)))
  await keepAdminToken(house.context.database.pool, hashToken(token), scopes, false)
  const log: string[] = []
  const sink = new Writable({ write: (chunk, _encoding, done) => (log.push(String(chunk)), done()) })
  // Registered first, so it runs last: when nothing is logged any more.
  afterAll(() => expect(leaksIn(log.join(''))).toEqual([]))
  const stopping = new AbortController()
  const app = await buildApp({ context: house.context, log: pino({ level: 'trace' }, sink), stopping: stopping.signal, ...options })
  afterAll(() => app.close())
  return {
    house,
    app,
    token,
    stopping,
    log,
    ask: ({ as, headers, ...rest }) =>
      app.inject({
        ...rest,
        headers: { authorization: `Bearer ${token}`, ...(as === undefined ? {} : { 'purser-on-behalf-of': as }), ...headers },
      }),
  }
}
