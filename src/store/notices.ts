import pg from 'pg'

/** What other processes did to the database, as it happens. */
export type Notices = {
  /** False while nobody listens: caches must be bypassed. */
  readonly connected: boolean
  onPlatform(listener: (revision: bigint) => void): void
  /** Called when listening begins again after it was lost: what happened in between was not heard. */
  onResumed(listener: () => void): void
  /** Called for every request that moved, by the UUID of its row. */
  onRequest(listener: (uuid: string) => void): void
  close(): Promise<void>
}

const RECONNECT_MS = 500
/** Half the time within which a cache may be trusted without having heard anything. */
const PULSE_MS = 5_000

/** LISTENs on a connection of its own, and goes on by itself when that is lost. */
export async function openNotices(url: string, onLost: (error: unknown) => void): Promise<Notices> {
  const platformListeners: ((revision: bigint) => void)[] = []
  const requestListeners: ((uuid: string) => void)[] = []
  const resumedListeners: (() => void)[] = []
  let client: pg.Client | null = null
  let connected = false
  let closing = false
  let timer: NodeJS.Timeout | null = null

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: url,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      application_name: 'purser notices',
    })
    const lose = (error: unknown) => {
      if (client !== next) return
      client = null
      connected = false
      if (closing) return
      onLost(error)
      later()
    }
    client = next
    next.on('error', lose)
    next.on('end', () => lose(new Error('the connection ended')))
    next.on('notification', ({ channel, payload = '' }) => {
      if (channel === 'purser_platform') for (const listener of platformListeners) listener(BigInt(payload))
      if (channel === 'purser_request') for (const listener of requestListeners) listener(payload)
    })
    try {
      await next.connect()
      await next.query('listen purser_platform; listen purser_request')
      connected = client === next
      if (connected) for (const listener of resumedListeners) listener()
    } catch (error) {
      lose(error)
    }
  }

  /** A connection that the network swallowed says nothing; asking finds out. */
  const pulse = setInterval(() => {
    const asked = client
    if (asked === null || !connected) return
    asked.query('select').catch((error: unknown) => {
      asked.emit('error', error)
      void asked.end().catch(() => undefined)
    })
  }, PULSE_MS)
  pulse.unref()

  function later(): void {
    timer = setTimeout(() => void connect(), RECONNECT_MS)
    timer.unref()
  }

  await connect()
  return {
    get connected() {
      return connected
    },
    onPlatform(listener) {
      platformListeners.push(listener)
    },
    onResumed(listener) {
      resumedListeners.push(listener)
    },
    onRequest(listener) {
      requestListeners.push(listener)
    },
    async close() {
      closing = true
      clearInterval(pulse)
      if (timer !== null) clearTimeout(timer)
      await client?.end()
    },
  }
}
