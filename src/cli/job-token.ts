import { createHash } from 'node:crypto'
import { isObject } from '../core/json.ts'
import { faultCode, retryDelay, Unreachable } from './client.ts'
import { NoToken, type Credential } from './credential.ts'
import { clock, pause, type Io } from './io.ts'
import { keepJobToken, readJobToken, type JobToken } from './job-token-file.ts'

/**
 * Who the command is in a pipeline: the job's own OIDC identity, exchanged for a token of the server's (RFC 8693). So a
 * pipeline holds no secret. Each identity token is taken once, so what it was exchanged for is kept for the commands that follow.
 */
type Identity =
  /** The CI system has put one there, and gives no other: GitLab's `id_tokens`. */
  | { readonly kind: 'given'; readonly token: string }
  /** The CI system gives one to whoever asks: GitHub Actions, where the job has `id-token: write`. */
  | { readonly kind: 'asked'; readonly url: string; readonly bearer: string }

/** What the token is to be besides: less than the Trust gives, or by the one Trust that is named. */
export type Wanted = { readonly scope?: string | undefined; readonly trust?: string | undefined }

export type Exchanged = JobToken & { readonly scope: string }

const DEFAULT_AUDIENCE = 'purser'
/** A token that is about to end is not worth sending. */
const SPARE_MS = 30_000
const ATTEMPTS = 4
const TIMEOUT_MS = 30_000
/** A server that asks for more patience than this gets none. */
const LONGEST_PAUSE_MS = 30_000

function identityOf({ PURSER_ID_TOKEN: given = '', ...env }: Io['env']): Identity | null {
  if (given.trim() !== '') return { kind: 'given', token: given.trim() }
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url = '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer = '' } = env
  return url === '' || bearer === '' ? null : { kind: 'asked', url, bearer }
}

/** The job that this runs in; null: it runs in none, or in one that has no identity. */
export function jobCredential(server: string, io: Io): Credential | null {
  const identity = identityOf(io.env)
  if (identity === null) return null
  const wanted: Wanted = { trust: io.env.PURSER_TRUST || undefined }
  const key = createHash('sha256')
    .update(JSON.stringify([server, identity, wanted, io.env.PURSER_AUDIENCE ?? '']))
    .digest('hex')
  let current: JobToken | null = null
  let asking: Promise<JobToken> | null = null

  async function find(): Promise<JobToken> {
    const kept = readJobToken(io, key)
    if (kept !== null && isFresh(kept, io)) return kept
    const exchanged = await exchangeJobToken(server, io, wanted)
    keepJobToken(io, key, exchanged)
    return exchanged
  }

  return {
    from: 'job',
    async token() {
      if (current === null || !isFresh(current, io)) {
        asking ??= find().finally(() => (asking = null))
        current = await asking
      }
      return current.token
    },
  }
}

function isFresh({ expiresAt }: JobToken, io: Io): boolean {
  return clock(io) + SPARE_MS < expiresAt
}

/** Exchanges the identity of the job that this runs in, or the token that is given. */
export async function exchangeJobToken(server: string, io: Io, wanted: Wanted, given?: string): Promise<Exchanged> {
  const identity = given === undefined ? identityOf(io.env) : ({ kind: 'given', token: given } as const)
  if (identity === null)
    throw new NoToken(
      'This is no job with an identity. Give its OIDC token in PURSER_ID_TOKEN (GitLab: id_tokens), or let the job have it (GitHub Actions: permissions: id-token: write).',
    )
  for (let attempt = 1; ; attempt += 1) {
    const response = await askServer(server, await subjectToken(identity, io), wanted)
    // Nothing was taken yet, so asking again is no second exchange.
    const delayMs = response.status === 503 || response.status === 429 ? retryDelay(response, attempt, clock(io)) : null
    if (delayMs !== null && delayMs <= LONGEST_PAUSE_MS && attempt < ATTEMPTS) {
      await response.body?.cancel()
      await pause(io, delayMs)
      continue
    }
    return readExchanged(server, response.status, await jsonOf(response), clock(io))
  }
}

async function subjectToken(identity: Identity, io: Io): Promise<string> {
  if (identity.kind === 'given') return identity.token
  const url = URL.canParse(identity.url) ? new URL(identity.url) : null
  if (url === null) throw new NoToken('ACTIONS_ID_TOKEN_REQUEST_URL is no address.')
  url.searchParams.set('audience', io.env.PURSER_AUDIENCE || DEFAULT_AUDIENCE)
  const response = await reach('The CI system, which gives the job its identity,', url.href, {
    headers: { authorization: `Bearer ${identity.bearer}`, accept: 'application/json' },
  })
  const body = await jsonOf(response)
  if (!response.ok || !isObject(body) || typeof body.value !== 'string')
    throw new NoToken(
      `The CI system gave the job no identity token: it answered ${response.status}. The job needs permissions: id-token: write.`,
    )
  return body.value
}

async function askServer(server: string, token: string, { scope, trust }: Wanted): Promise<Response> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    ...(scope === undefined ? {} : { scope }),
    ...(trust === undefined ? {} : { trust }),
  })
  return await reach(server, `${server}/v1/token`, { method: 'POST', body, headers: { accept: 'application/json' } })
}

/** A redirect is not followed: what is sent is for nobody else. */
async function reach(who: string, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (error) {
    const code = faultCode(error)
    throw new Unreachable(`${who} does not answer${code === '' ? '' : ` (${code})`}. Try again, or check PURSER_URL.`, false, error)
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown
  } catch {
    return undefined
  }
}

function readExchanged(server: string, status: number, body: unknown, now: number): Exchanged {
  if (isObject(body) && typeof body.error === 'string')
    throw new NoToken(
      `${server} does not take the identity of this job (${body.error}). ${typeof body.error_description === 'string' ? body.error_description : ''}`.trim(),
    )
  if (status !== 200 || !isObject(body) || typeof body.access_token !== 'string' || typeof body.expires_in !== 'number')
    throw new Unreachable(
      `${server} answered ${status} to the identity of this job, which is not how Purser answers. Check PURSER_URL.`,
      false,
    )
  return { token: body.access_token, expiresAt: now + body.expires_in * 1_000, scope: typeof body.scope === 'string' ? body.scope : '' }
}
