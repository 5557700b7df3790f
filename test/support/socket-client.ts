import { afterAll } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'

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

/** Subscribes; resolves with what came first, which is where the stream begins, or what it was refused with. */
export async function subscribe(client: Client, id: string, query: string, variables: object = {}): Promise<Message> {
  client.send({ id, type: 'subscribe', payload: { query, variables } })
  return client.next()
}
