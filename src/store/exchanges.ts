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

/** Who an exchanged token is as long as it is good. */
export type ExchangedAccount = {
  readonly principal: string
  readonly team: string
  /** Who made the account. */
  readonly createdBy: string
  /** The principals of all who ever applied the Trust, and of whom they did it through: authors of the rule (L4). */
  readonly authors: readonly string[]
}

/** Null: the account is retired, or the Trust is retired or another one by now. */
export async function readExchangedAccount(
  pool: pg.Pool,
  token: { readonly serviceAccount: string; readonly trust: string; readonly trustRevision: number },
): Promise<ExchangedAccount | null> {
  const rows = await run<{ principal: string; team: string; created_by: string; authors: string[] }>(
    pool,
    {
      name: 'exchanged_account',
      text: `select a.principal_id as principal, a.team, a.created_by,
          array(select distinct p.id from event e join principal p on p.subject in (e.actor->>'subject', e.actor->>'via')
            where e.subject = d.name and e.type = 'dev.purser.document.applied.v1' and e.data->>'kind' = 'Trust' and e.data->>'outcome' <> 'retired') as authors
        from service_account a join document d on d.kind = 'Trust' and d.name = $2 and d.revision = $3
        where a.name = $1 and a.retired_at is null`,
    },
    [token.serviceAccount, token.trust, token.trustRevision],
  )
  const [row] = rows
  return row === undefined ? null : { principal: row.principal, team: row.team, createdBy: row.created_by, authors: row.authors }
}
