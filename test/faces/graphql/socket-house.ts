import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import { hashToken, makeToken, TOKEN_BYTES } from '../../../src/core/token.ts'
import { graphqlFace, type GraphqlOptions } from '../../../src/faces/graphql/plugin.ts'
import { buildApp } from '../../../src/faces/http/app.ts'
import type { HttpApp } from '../../../src/faces/http/http-app.ts'
import { scopes } from '../../../src/operations/caller.ts'
import { keepAdminToken } from '../../../src/store/principals.ts'
import { openHouse, type House } from '../../support/house.ts'

export type Message = { readonly type: string; readonly id?: string; readonly payload?: unknown }

/** A client of the protocol that does only what it is told. */
export type Client = {
  readonly socket: WebSocket
  send(message: unknown): void
  /** The next message; `closed …` when there is none any more. */
  next(): Promise<Message>
  /** The same, thrown where it is none. */
  nextOf(type: string): Promise<Message>
  /** `4401 Unauthorized`, once it is over. */
  readonly closed: Promise<string>
}

export type Connecting = Pick<ClientOptions, 'headers' | 'autoPong'> & {
  readonly path?: string
  readonly protocol?: string | null
  /** What the connection is opened with; null: nothing is said. */
  readonly init?: Readonly<Record<string, unknown>> | null
}

export function connect(
  url: string,
  { path = '/graphql', protocol = 'graphql-transport-ws', init = null, ...options }: Connecting,
): Client {
  const socket = new WebSocket(url.replace(/^http/, 'ws') + path, protocol === null ? [] : [protocol], options)
  afterAll(() => socket.terminate())
  const waiting: Message[] = []
  let wake: () => void = () => undefined
  socket.on('message', (data: Buffer) => {
    waiting.push(JSON.parse(data.toString()) as Message)
    wake()
  })
  socket.on('error', (error) => {
    waiting.push({ type: `error ${error.message}` })
    wake()
  })
  const closed = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => {
      waiting.push({ type: `closed ${code} ${String(reason)}` })
      wake()
      resolve(`${code} ${String(reason)}`)
    })
  })
  if (init !== null) socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: init })))
  const client: Client = {
    socket,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next() {
      for (;;) {
        const first = waiting.shift()
        if (first !== undefined) return first
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    async nextOf(type) {
      const message = await client.next()
      if (message.type !== type) throw new Error(`no ${type}: ${JSON.stringify(message)}`)
      return message
    },
  }
  return client
}

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
  options: { readonly rateLimit?: number } & Partial<Pick<GraphqlOptions, 'initMilliseconds' | 'pingMilliseconds' | 'milliseconds'>> = {},
): Promise<SocketHouse> {
  const { rateLimit = 0, ...more } = options
  const house = await openHouse()
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

/** Subscribes; resolves with what came first, which is where the stream begins, or what it was refused with. */
export async function subscribe(client: Client, id: string, query: string, variables: object = {}): Promise<Message> {
  client.send({ id, type: 'subscribe', payload: { query, variables } })
  return client.next()
}
