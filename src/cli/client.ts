import { isObject } from '../core/json.ts'
import type { CredentialSource } from './credential.ts'
import { clock, pause, type Io } from './io.ts'
import type { Settings } from './settings.ts'

export type Call = {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the server's address, with its query. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the same call twice is as good as once, so that it is repeated after 429, 503 or a lost connection. */
  readonly repeatable: boolean
  /** How long one attempt may take; less for what somebody waits for with a finger on a key. */
  readonly timeoutMs?: number
  /** `text` for what is not JSON (a diff). */
  readonly answer?: 'json' | 'text'
}

/** A problem document as it came, and the correlation id of its answer. */
export type Refusal = {
  readonly status: number
  readonly problem: Readonly<Record<string, unknown>>
  readonly correlationId: string | null
  /** What it was asked with. */
  readonly from: CredentialSource
}
export type Answer =
  | { readonly ok: true; readonly body: unknown; readonly replayed: boolean }
  | { readonly ok: false; readonly refusal: Refusal }
export type Client = (call: Call) => Promise<Answer>

/** No usable answer: nobody there, a connection lost, or something that is not Purser. Its message is for people. */
export class Unreachable extends Error {
  /** Whether the server may have taken the call although no answer came. */
  readonly maybeTaken: boolean
  constructor(message: string, maybeTaken: boolean, cause?: unknown) {
    super(message, { cause })
    this.name = 'Unreachable'
    this.maybeTaken = maybeTaken
  }
}

const ATTEMPTS = 4
const CALL_TIMEOUT_MS = 30_000
/** A server that asks for more patience than this gets none: its refusal says how long it takes. */
const LONGEST_PAUSE_MS = 30_000
const transient: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** The connection was never made, so the server has seen nothing. */
const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** A client of one server. Refusals are values; `Unreachable` is thrown. */
export function connect(settings: Settings, io: Io): Client {
  return async (call) => {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt === ATTEMPTS || !call.repeatable
      const response = await send(settings, call, last)
      const delayMs =
        response === null ? backoff(attempt) : transient.has(response.status) && !last ? retryDelay(response, attempt, clock(io)) : null
      if (response !== null && (delayMs === null || delayMs > LONGEST_PAUSE_MS)) return await readAnswer(settings, call, response)
      await response?.body?.cancel()
      await pause(io, delayMs ?? 0)
    }
  }
}

/** One attempt; null when the connection was lost and another attempt may follow. */
async function send(settings: Settings, call: Call, last: boolean): Promise<Response | null> {
  const headers: Record<string, string> = {
    accept: call.answer === 'text' ? '*/*' : 'application/json, application/problem+json',
    ...call.headers,
  }
  const token = await settings.credential.token()
  if (token !== null) headers.authorization = `Bearer ${token}`
  if (settings.onBehalfOf !== null) headers['purser-on-behalf-of'] = settings.onBehalfOf
  if (call.body !== undefined) headers['content-type'] = 'application/json'
  try {
    return await fetch(settings.url + call.path, {
      method: call.method,
      headers,
      // A redirected POST would arrive as a GET, and a token must not follow to another host.
      redirect: 'manual',
      signal: AbortSignal.timeout(call.timeoutMs ?? CALL_TIMEOUT_MS),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    })
  } catch (error) {
    const code = faultCode(error)
    if (!neverSent.has(code) && !last) return null
    throw unreachable(settings.url, code, error)
  }
}

/** The code of the innermost cause: fetch says only "fetch failed". */
export function faultCode(error: unknown): string {
  let code = ''
  for (let inner: unknown = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth += 1) {
    if (inner instanceof AggregateError) inner = inner.errors[0]
    if (!(inner instanceof Error)) break
    code = 'code' in inner && typeof inner.code === 'string' ? inner.code : inner.name === 'TimeoutError' ? 'ETIMEDOUT' : code
  }
  return code
}

function unreachable(url: string, code: string, cause: unknown): Unreachable {
  const said = code === '' ? '' : ` (${code})`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new Unreachable(`The host of ${url} is not known${said}. Check PURSER_URL.`, false, cause)
  }
  if (neverSent.has(code)) {
    return new Unreachable(`Nobody answers at ${url}${said}. Start Purser there, or set PURSER_URL to where it runs.`, false, cause)
  }
  if (code === 'ETIMEDOUT') return new Unreachable(`${url} did not answer in time. Try again, or look at its /readyz.`, true, cause)
  if (code.includes('CERT') || code.includes('SIGNED')) {
    return new Unreachable(`The certificate of ${url} is not trusted${said}. Name its authority in NODE_EXTRA_CA_CERTS.`, false, cause)
  }
  return new Unreachable(`The connection to ${url} was lost before an answer came${said}. Try again.`, true, cause)
}

function backoff(attempt: number): number {
  return 250 * 2 ** (attempt - 1)
}

/** What `Retry-After` asks for, seconds or a date (RFC 9110); without it the backoff. */
export function retryDelay(response: Pick<Response, 'headers'>, attempt: number, now: number): number {
  const header = response.headers.get('retry-after')
  if (header === null) return backoff(attempt)
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? backoff(attempt) : Math.max(date - now, 0)
}

async function readAnswer(settings: Settings, call: Call, response: Response): Promise<Answer> {
  const type = response.headers.get('content-type') ?? 'nothing'
  const strange = `${settings.url} answered ${response.status} with ${type}, which is not how Purser answers. Check PURSER_URL.`
  if (response.status >= 300 && response.status < 400) {
    throw new Unreachable(
      `${settings.url} redirects to ${response.headers.get('location') ?? 'nowhere'}. Set PURSER_URL to the address itself.`,
      false,
    )
  }
  let text
  try {
    text = await response.text()
  } catch (error) {
    throw unreachable(settings.url, faultCode(error), error)
  }
  if (response.ok && call.answer === 'text') return { ok: true, body: text, replayed: false }
  const body = type.includes('json') ? parseJson(text) : undefined
  if (body === undefined) throw new Unreachable(strange, true)
  if (response.ok) return { ok: true, body, replayed: response.headers.get('idempotency-replayed') === 'true' }
  if (!isObject(body) || typeof body.code !== 'string') throw new Unreachable(strange, true)
  return {
    ok: false,
    refusal: {
      status: response.status,
      problem: body,
      correlationId: response.headers.get('x-request-id'),
      from: settings.credential.from,
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
