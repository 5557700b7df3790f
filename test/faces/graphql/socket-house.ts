import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import { hashToken, makeToken, TOKEN_BYTES } from '../../../src/core/token.ts'
import { graphqlFace, type GraphqlOptions } from '../../../src/faces/graphql/plugin.ts'
import { buildApp } from '../../../src/faces/http/app.ts'
import type { HttpApp } from '../../../src/faces/http/http-app.ts'
import { scopes } from '../../../src/operations/caller.ts'
import { keepAdminToken } from '../../../src/store/principals.ts'
import { openHouse, type House } from '../../support/house.ts'
import { connect, type Client, type Connecting } from '../../support/socket-client.ts'

export type SocketHouse = {
  readonly house: House
  readonly app: HttpApp
  readonly url: string
  readonly token: string
  readonly stopping: AbortController
  readonly log: readonly string[]
  /** A token of the administrator's, beside the first. */
  makeToken(): Promise<string>
  /** Somebody who has said who they are, and was believed. */
  open(options?: Connecting & { readonly as?: string; readonly token?: string }): Promise<Client>
}

/** A house whose faces listen on a free port. Call it at the top of the file. */
export async function openSocketHouse(
  options: { readonly rateLimit?: number; readonly on?: House } & Partial<
    Pick<GraphqlOptions, 'initMilliseconds' | 'pingMilliseconds' | 'milliseconds'>
  > = {},
): Promise<SocketHouse> {
  const { rateLimit = 0, on, ...more } = options
  const house = on ?? (await openHouse())
  const { context } = house
  const addToken = async () => {
    const token = makeToken(randomBytes(TOKEN_BYTES))
    await keepAdminToken(context.database.pool, hashToken(token), scopes, false)
    return token
  }
  const token = await addToken()
  const log: string[] = []
  const sink = new Writable({ write: (chunk, _encoding, done) => (log.push(String(chunk)), done()) })
  const stopping = new AbortController()
  const app = await buildApp({
    context,
    log: pino({ level: 'warn' }, sink),
    rateLimit,
    stopping: stopping.signal,
    beside: (guarded, host) => graphqlFace(guarded, host, { context, history: null, introspection: false, ...more }),
  })
  afterAll(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    house,
    app,
    url,
    token,
    stopping,
    log,
    makeToken: addToken,
    async open({ as, token: other = token, ...connecting } = {}) {
      const init = { authorization: `Bearer ${other}`, ...(as === undefined ? {} : { 'purser-on-behalf-of': as }) }
      const client = connect(url, { init, ...connecting })
      await client.nextOf('connection_ack')
      return client
    },
  }
}
