import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { urlToHttpOptions } from 'node:url'
import { judgeAddresses, type AddressJudge, type AllowedAddresses } from '../../core/addresses.ts'
import type { Secret } from '../../core/secret.ts'
import type { HookAnswer, Hooks } from '../../operations/ports.ts'
import { readHookUrl } from './hook-url.ts'

export type HookOptions = {
  readonly secrets: Readonly<Record<string, Secret>>
  readonly allowed: AllowedAddresses
  /** How names become addresses, for the tests of names that change their minds; the system's otherwise. */
  readonly resolve?: Resolve
  /** A certificate authority beside the system's, for the tests. */
  readonly ca?: string
  readonly timeoutMs?: number
}

/** All addresses of a name. */
export type Resolve = (host: string, done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void) => void

const TIMEOUT_MS = 10_000
/** Nobody reads what a hook says at length. */
const MAX_ANSWER = 65_536

/**
 * Posts to incoming webhooks. Each post is a connection of its own, to an address that was judged for it: what a name
 * resolved to at another moment counts for nothing. Redirects are not followed, they lead to where nobody judged. The URL is
 * the hook's secret and leaves this file towards the hook alone.
 */
export function createHooks(options: HookOptions): Hooks {
  const { secrets, resolve = resolveBySystem, ca, timeoutMs = TIMEOUT_MS } = options
  const judge = judgeAddresses(options.allowed)
  return {
    async post(source, text, stop) {
      const read = await readHookUrl(source, secrets)
      if ('wrong' in read) return { kind: 'unreachable', why: read.wrong }
      const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)])
      try {
        return await send(read.url, JSON.stringify({ text }), { judge, resolve, ca, signal })
      } catch (error) {
        if (error instanceof Forbidden) return { kind: 'forbidden', why: error.message }
        return { kind: 'unreachable', why: reasonOf(error, signal, stop) }
      }
    },
  }
}

/** The hook leads to where hooks may not. */
class Forbidden extends Error {}

type Sending = {
  readonly judge: AddressJudge
  readonly resolve: Resolve
  readonly ca: string | undefined
  readonly signal: AbortSignal
}

function send(url: URL, body: string, { judge, resolve, ca, signal }: Sending): Promise<HookAnswer> {
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const given = urlToHttpOptions(url)
  const options: RequestOptions = {
    ...given,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': 'purser' },
    // A kept connection would lead to where the name pointed when it was opened.
    agent: false,
    signal,
    lookup: judgedLookup(scheme, judge, resolve),
  }
  // An address in the URL itself is connected to without a look-up.
  const literal = String(given.hostname)
  if (isIP(literal) !== 0 && !judge(literal, scheme)) throw new Forbidden(forbidden(scheme))
  return new Promise((fulfil, fail) => {
    const request: ClientRequest =
      scheme === 'https' ? requestHttps({ ...options, ...(ca === undefined ? {} : { ca }) }) : requestHttp(options)
    request.on('error', fail)
    request.on('response', (response) => {
      void takeAnswer(response)
        .then(fulfil, fail)
        .finally(() => request.destroy())
    })
    request.end(body)
  })
}

/** What net.connect asks for the addresses of a name: only those that may be connected to are answered, so no other is. */
function judgedLookup(scheme: 'http' | 'https', judge: AddressJudge, resolve: Resolve): LookupFunction {
  return (host, { all, family }, done) => {
    resolve(host, (error, found) => {
      if (error !== null) return done(error, '', 0)
      const [first, ...others] = found.filter(({ address, family: of }) => judge(address, scheme) && (!family || family === of))
      if (first === undefined) done(new Forbidden(forbidden(scheme)), '', 0)
      else if (all === true) done(null, [first, ...others])
      else done(null, first.address, first.family)
    })
  }
}

const resolveBySystem: Resolve = (host, done) => systemLookup(host, { all: true }, done)

function forbidden(scheme: 'http' | 'https'): string {
  return scheme === 'https'
    ? 'it leads to a private address, which PURSER_ALLOW_PRIVATE_ADDRESSES does not allow'
    : 'it is http, which only addresses that PURSER_ALLOW_PRIVATE_ADDRESSES allows may be'
}

async function takeAnswer(response: IncomingMessage): Promise<HookAnswer> {
  const { statusCode: status = 0, headers } = response
  const words = await startOf(response)
  if (status >= 200 && status < 300) return { kind: 'taken' }
  const why = `it answered ${status}${/^[a-z_ ]{1,60}$/.test(words) ? ` ${words}` : ''}`
  if ([403, 404, 410].includes(status)) return { kind: 'gone', why }
  if (status === 429 || status === 503) return { kind: 'busy', why, retryAfterS: readRetryAfter(headers['retry-after']) }
  return status >= 500 ? { kind: 'unreachable', why } : { kind: 'refused', why }
}

/** The answer's text, as far as anybody wants to know it: Slack says in a word what is wrong with a hook. */
async function startOf(response: IncomingMessage): Promise<string> {
  let [size, text] = [0, '']
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (text.length < 100) text += chunk.toString('latin1').slice(0, 100)
      if (size > MAX_ANSWER) break
    }
  } catch {
    // The status has arrived and says it all: what was posted is taken, or it is not.
  }
  return text.trim()
}

/** Seconds, or the time of day that RFC 9110 allows too; null: nothing that could be made sense of. */
function readRetryAfter(header: string | undefined): number | null {
  if (header === undefined) return null
  if (/^\d{1,9}$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1_000))
}

/** By the error's code alone: messages of TLS and DNS name the host, and some what was sent. */
function reasonOf(error: unknown, signal: AbortSignal, stop: AbortSignal): string {
  if (stop.aborted) return 'the worker stopped'
  if (signal.aborted) return 'it did not answer in time'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^[A-Z0-9_]{1,60}$/.test(code) ? `it cannot be reached (${code})` : 'it cannot be reached'
}
