import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { isLoopbackHost, mayBeIssuer } from '../../core/addresses.ts'
import { Fault } from '../../core/fault.ts'
import { guardedLookup } from './guarded-lookup.ts'

export type Fetched = {
  readonly body: unknown
  /** What time it is there. */
  readonly date: Date | null
}

/** From the first packet to the last, whoever dawdles. */
const LIMIT_MS = 5_000

/**
 * JSON of an issuer: https, or http on this machine; one answer of 200 within bounds, no redirect. Throws a Fault that
 * says what was wrong without what was answered. Not `fetch`: that one does not tell where it connects to.
 */
export async function fetchJson(url: URL, local: boolean, maxBytes: number, signal: AbortSignal): Promise<Fetched> {
  const at = `${url.origin}${url.pathname}`
  const fault = (detail: string, cause?: unknown) => new Fault('wait', `${at} ${detail}`, cause === undefined ? {} : { cause })
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local && isLoopbackHost(url.hostname)))
    throw fault('is not https, and plain http is only for a loopback address')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // An address needs no lookup, which would have refused it.
  if (isIP(host) !== 0 && !mayBeIssuer(host, local)) throw fault('is at an address that no issuer may have')
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)])
  let answer: IncomingMessage
  let text: string
  try {
    answer = await ask(url, local, limit)
    if (answer.statusCode !== 200) {
      answer.destroy()
      throw fault(
        `answered ${answer.statusCode ?? 'nothing'}${answer.headers.location === undefined ? '' : ', a redirect, which is not followed'}`,
      )
    }
    text = await readBounded(answer, maxBytes)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw fault(
      limit.aborted && !signal.aborted ? `did not answer within ${LIMIT_MS / 1_000} s` : `does not answer: ${words(cause)}`,
      cause,
    )
  }
  const date = new Date(answer.headers.date ?? '')
  try {
    return { body: JSON.parse(text) as unknown, date: Number.isNaN(date.getTime()) ? null : date }
  } catch {
    throw fault('answered what is no JSON')
  }
}

function ask(url: URL, local: boolean, signal: AbortSignal): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    request(url, { signal, agent: false, lookup: guardedLookup(local), headers: { accept: 'application/json', 'user-agent': 'purser' } })
      .on('response', resolve)
      .on('error', reject)
      .end()
  })
}

async function readBounded(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function words(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '') return cause.errors.map(words).join('; ')
  return cause instanceof Error ? cause.message : String(cause)
}
