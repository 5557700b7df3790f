import { PurserUnreachable } from './answers.ts'

/** How calls are made. One for each client. */
export type Sender = {
  readonly fetch: (request: Request, init: { readonly signal: AbortSignal }) => Promise<Response>
  readonly getToken: () => string | null | Promise<string | null>
  readonly onBehalfOf: string | null
  /** How often a call is tried at most. */
  readonly attempts: number
  readonly pause: (delayMs: number, signal: AbortSignal) => Promise<void>
}

/** `Prefer: wait` takes 30 s at most. */
const ATTEMPT_TIMEOUT_MS = 45_000
/** Who is told to come back later than this is told that, and does not wait. */
const LONGEST_PAUSE_MS = 60_000
const FIRST_PAUSE_MS = 250
const LONGEST_BACKOFF_MS = 15_000

/** The connection was never made, so that the server has seen nothing. */
const neverSent: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
/** POSTs that keep nothing. */
const keepsNothing = /\/v1\/plans$/

/**
 * Sends a call, and again where that is safe: after 429, which comes before anything is done, always; after 502, 503, 504 and a
 * lost connection, if it only reads or has an `Idempotency-Key`. The last answer is the answer, whole, so that a connection
 * that breaks within it counts as lost too.
 */
export async function send(sender: Sender, request: Request): Promise<Response> {
  const repeatable = isRepeatable(request)
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt >= sender.attempts
    let delayMs
    try {
      const response = await readWhole(await attemptOnce(sender, request))
      const again = response.status === 429 || (repeatable && [502, 503, 504].includes(response.status))
      delayMs = last || !again ? null : pauseAfter(response.headers, attempt)
      if (delayMs === null) return response
    } catch (error) {
      request.signal.throwIfAborted()
      const never = neverSent.has(faultCode(error))
      if (last || !(repeatable || never)) throw unreachable(request.url, error, never)
      delayMs = backoff(attempt)
    }
    await sender.pause(delayMs, request.signal)
  }
}

async function attemptOnce(sender: Sender, request: Request): Promise<Response> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)])
  return sender.fetch(await identify(sender, request.clone()), { signal })
}

/** Who asks, asked anew for each attempt: a token may have been renewed in between. */
export async function identify(sender: Sender, request: Request): Promise<Request> {
  const token = await sender.getToken()
  if (token !== null) request.headers.set('authorization', `Bearer ${token}`)
  if (sender.onBehalfOf !== null && !request.headers.has('purser-on-behalf-of'))
    request.headers.set('purser-on-behalf-of', sender.onBehalfOf)
  return request
}

async function readWhole(response: Response): Promise<Response> {
  const { status, statusText, headers } = response
  const body = await response.arrayBuffer()
  return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers })
}

function isRepeatable({ method, url, headers }: Request): boolean {
  return method === 'GET' || method === 'HEAD' || headers.has('idempotency-key') || keepsNothing.test(new URL(url).pathname)
}

/** How long until the next attempt; null when the server asks for more patience than there is. */
function pauseAfter(headers: Headers, attempt: number): number | null {
  const asked = retryAfterMs(headers.get('retry-after'))
  if (asked === null) return backoff(attempt)
  // Those who were sent away together do not come back together.
  return asked > LONGEST_PAUSE_MS ? null : asked + Math.random() * FIRST_PAUSE_MS
}

/** Seconds, or a date (RFC 9110). */
function retryAfterMs(header: string | null): number | null {
  if (header === null) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(date - Date.now(), 0)
}

/** Twice as long each time, with half of it by chance. */
export function backoff(attempt: number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS)
  return full / 2 + (Math.random() * full) / 2
}

/** Resolves after a while, or rejects with the signal's reason. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    function stop(): void {
      clearTimeout(timer)
      reject(signal.reason as Error) // Whatever who aborted it gave.
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, delayMs)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** What a failed fetch is thrown as. */
export function unreachable(url: string, cause: unknown, never = false): PurserUnreachable {
  const { origin } = new URL(url)
  const code = faultCode(cause)
  const said = code === '' ? '' : ` (${code})`
  if (never) return new PurserUnreachable(`Nobody answers at ${origin}${said}.`, false, cause)
  return new PurserUnreachable(`No answer came from ${origin}${said}.`, true, cause)
}

/** Of Node the code of the innermost cause: fetch says only "fetch failed". Browsers tell nothing. */
function faultCode(error: unknown): string {
  let code = ''
  for (let inner: unknown = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth += 1) {
    if (inner instanceof AggregateError) inner = inner.errors[0]
    if (!(inner instanceof Error)) break
    code = 'code' in inner && typeof inner.code === 'string' ? inner.code : inner.name === 'TimeoutError' ? 'ETIMEDOUT' : code
  }
  return code
}
