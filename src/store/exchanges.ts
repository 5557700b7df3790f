import type pg from 'pg'
import type { TrustDocument } from '../core/document/trust.ts'
import type { JsonObject } from '../core/json.ts'
import type { Actor } from '../core/request-record.ts'
import { only, run } from './database.ts'

/** A Trust in force. */
export type TrustRecord = { readonly document: TrustDocument; readonly revision: number }

/** As many Trusts as one issuer may have before nobody can tell any more which takes what. */
const MAX_TRUSTS = 1_000

/** The Trusts in force that take tokens of an issuer, by name. Asked at each exchange: a retired one takes nobody any more. */
export async function readTrustsOf(pool: pg.Pool, issuer: string): Promise<readonly TrustRecord[]> {
  return run<TrustRecord>(
    pool,
    {
      name: 'trusts_of',
      text: `select v.body as document, v.revision from document d join document_version v using (kind, name, revision)
        where d.kind = 'Trust' and v.body->'spec'->>'issuer' = $1 order by d.name limit ${MAX_TRUSTS}`,
    },
    [issuer],
  )
}

/** Those of the names that are service accounts in use. */
export async function readLiveServiceAccounts(pool: pg.Pool, names: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await run<{ name: string }>(
    pool,
    { name: 'live_service_accounts', text: 'select name from service_account where name = any ($1::text[]) and retired_at is null' },
    [names],
  )
  return new Set(rows.map(({ name }) => name))
}

export type Exchange = {
  readonly trust: string
  readonly revision: number
  /** The id of what it is exchanged for. */
  readonly token: string
  readonly serviceAccount: string
  readonly issuer: string
  readonly jti: string
  readonly expiresAt: Date
  readonly actor: Actor
  readonly data: JsonObject
}

/** `stale`: the Trust is another one by now. */
export type ExchangeOutcome = 'done' | 'stale' | 'no-account' | 'replayed'

/** Remembers an exchange, and says it in the log. Only the first of a token is `done`. */
export async function exchangeToken(pool: pg.Pool, exchange: Exchange): Promise<ExchangeOutcome> {
  const rows = await run<{ answer: { readonly outcome: ExchangeOutcome } }>(
    pool,
    { name: 'exchange_token', text: 'select exchange_token($1::jsonb) as answer' },
    [JSON.stringify(exchange)],
  )
  return only(rows).answer.outcome
}
