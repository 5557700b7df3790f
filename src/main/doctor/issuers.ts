import { fetchPublished } from '../../adapters/issuer/published-keys.ts'
import { Fault } from '../../core/fault.ts'
import { words, type Finding } from './finding.ts'

/** What an issuer answered, or why it did not. */
export type IssuerAnswer = { readonly keys: number; readonly skewMs: number | null } | { readonly fault: string }

/** Asks each issuer for its discovery document and keys, as a server does. */
export function checkIssuers(issuers: readonly string[], signal: AbortSignal): Promise<readonly Finding[]> {
  return Promise.all(issuers.map(async (issuer) => judgeIssuer(issuer, await ask(issuer, signal))))
}

async function ask(issuer: string, signal: AbortSignal): Promise<IssuerAnswer> {
  try {
    const { count, date } = await fetchPublished(issuer, signal)
    return { keys: count, skewMs: date === null ? null : Date.now() - date.getTime() }
  } catch (error) {
    if (error instanceof Fault) return { fault: words(error) }
    throw error
  }
}

/** A Date header has whole seconds, and tokens are given 30 of them. */
const MAX_SKEW_MS = 5_000

/** Pure, so that each wrong state has a test. */
export function judgeIssuer(issuer: string, answer: IssuerAnswer): Finding {
  const check = 'issuer'
  if ('fault' in answer)
    return {
      check,
      status: 'fail',
      detail: answer.fault,
      remedy: `Bring ${issuer} back, or correct OIDC_ISSUER, which is what its discovery document calls "issuer". Meanwhile the keys that a server knows serve on`,
    }
  if (answer.keys === 0)
    return {
      check,
      status: 'fail',
      detail: `${issuer} publishes no public key`,
      remedy: 'Let it sign with RSA, elliptic curves or Ed25519; shared secrets are not taken',
    }
  const off = Math.abs(answer.skewMs ?? 0)
  if (off > MAX_SKEW_MS)
    return {
      check,
      status: 'warn',
      detail: `the clock of ${issuer} is ${Math.round(off / 1_000)} s away; from 30 s on its tokens are refused`,
      remedy: 'Synchronize both, with NTP',
    }
  return { check, status: 'ok', detail: `${issuer} publishes ${answer.keys} ${answer.keys === 1 ? 'key' : 'keys'}` }
}
