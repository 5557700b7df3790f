import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { Actor } from '../core/request-record.ts'
import { only, run } from './database.ts'

export type ServiceAccountRecord = {
  readonly principal: string
  readonly name: string
  readonly team: string
  readonly description: string
  readonly createdAt: Date
  /** The subject of who made it. */
  readonly createdBy: string
}

const columns = `a.principal_id as principal, a.name, a.team, a.description, a.created_at as "createdAt", p.subject as "createdBy"`
const from = 'from service_account a join principal p on p.id = a.created_by'

/** A service account in use, of one of these teams (null: of any); null: absent and out of sight are the same. */
export async function readServiceAccount(
  pool: pg.Pool,
  name: string,
  teams: readonly string[] | null,
): Promise<ServiceAccountRecord | null> {
  const rows = await run<ServiceAccountRecord>(
    pool,
    {
      name: 'read_service_account',
      text: `select ${columns} ${from} where a.name = $1 and a.retired_at is null and ($2::text[] is null or a.team = any ($2))`,
    },
    [name, teams],
  )
  return rows[0] ?? null
}

/** A page of the service accounts in use of these teams (null: of all), by name. */
export async function listServiceAccounts(
  pool: pg.Pool,
  teams: readonly string[] | null,
  page: { readonly first: number; readonly after: string | null },
): Promise<readonly ServiceAccountRecord[]> {
  return run<ServiceAccountRecord>(
    pool,
    {
      name: 'list_service_accounts',
      text: `select ${columns} ${from} where a.retired_at is null and ($1::text[] is null or a.team = any ($1)) and ($2::text is null or a.name > $2)
        order by a.name limit $3`,
    },
    [teams, page.after, page.first],
  )
}

export type AccountToMake = {
  readonly name: string
  readonly team: string
  readonly description: string
  readonly createdBy: string
  readonly actor: Actor
}

/** Makes a service account. `name-taken`: something has or had that name; `no-team`: the team is gone. */
export async function makeServiceAccount(
  pool: pg.Pool,
  account: AccountToMake,
): Promise<{ readonly outcome: 'done' | 'no-team' | 'name-taken' }> {
  const rows = await run<{ answer: { outcome: 'done' | 'no-team' | 'name-taken' } }>(
    pool,
    { name: 'make_service_account', text: 'select make_service_account($1::jsonb) as answer' },
    [JSON.stringify(account)],
  )
  return only(rows).answer
}

/** Takes a service account and its tokens out of use; false: there is none of that name. */
export async function retireServiceAccount(pool: pg.Pool, name: string, actor: Actor): Promise<boolean> {
  const rows = await run<{ done: boolean }>(
    pool,
    { name: 'retire_service_account', text: 'select retire_service_account($1, $2::jsonb) as done' },
    [name, JSON.stringify(actor)],
  )
  return only(rows).done
}

export type IssuedToken = {
  readonly id: Id<'token'>
  readonly prefix: string | null
  readonly scopes: readonly string[]
  readonly impersonateTeams: readonly string[]
  readonly createdAt: Date
  readonly createdBy: string | null
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
  readonly replacedBy: Id<'token'> | null
}

/**
 * A page of the tokens of each of these accounts, newest first; those that are over too, since what they did is traced by
 * them. Of accounts of these teams alone (null: of any).
 */
export async function listTokensOf(
  pool: pg.Pool,
  accounts: readonly string[],
  teams: readonly string[] | null,
  page: { readonly first: number; readonly after: Id<'token'> | null },
): Promise<ReadonlyMap<string, readonly IssuedToken[]>> {
  type Row = Omit<IssuedToken, 'id' | 'impersonateTeams' | 'replacedBy'> & {
    readonly account: string
    readonly id: string
    readonly impersonateTeams: string[] | null
    readonly replacedBy: string | null
  }
  const rows = await run<Row>(
    pool,
    {
      name: 'list_tokens',
      text: `select a.name as account, t.id, t.prefix, t.scopes, t.impersonate_teams as "impersonateTeams", t.created_at as "createdAt",
          p.subject as "createdBy", t.expires_at as "expiresAt", t.last_used_at as "lastUsedAt", t.revoked_at as "revokedAt", t.replaced_by as "replacedBy"
        from service_account a cross join lateral (
            select * from api_token x where x.principal_id = a.principal_id and ($3::uuid is null or x.id < $3) order by x.id desc limit $4) t
          left join principal p on p.id = t.created_by
        where a.name = any ($1::text[]) and a.retired_at is null and ($2::text[] is null or a.team = any ($2)) order by t.id desc`,
    },
    [accounts, teams, page.after === null ? null : idToUuid(page.after), page.first],
  )
  const byAccount = new Map<string, IssuedToken[]>(accounts.map((account) => [account, []]))
  for (const { account, id, impersonateTeams, replacedBy, ...token } of rows)
    byAccount.get(account)?.push({
      ...token,
      id: idFromUuid('token', id),
      impersonateTeams: impersonateTeams ?? [],
      replacedBy: replacedBy === null ? null : idFromUuid('token', replacedBy),
    })
  return byAccount
}

export type TokenToMint = {
  readonly id: Id<'token'>
  readonly account: string
  readonly hash: Uint8Array
  readonly prefix: string
  readonly scopes: readonly string[]
  readonly impersonateTeams: readonly string[] | null
  readonly createdBy: string
  readonly expiresIn: number
  readonly replaces: Id<'token'> | null
  readonly overlap: number
  readonly actor: Actor
}

export type MintAnswer =
  | { readonly outcome: 'done'; readonly createdAt: string; readonly expiresAt: string }
  | { readonly outcome: 'not-found' | 'nothing-to-replace' | 'no-team' }

/** Issues a token, known by its hash alone; one that it replaces ends `overlap` seconds from now, or when it would have. */
export async function mintToken(pool: pg.Pool, token: TokenToMint): Promise<MintAnswer> {
  const document = {
    ...token,
    id: idToUuid(token.id),
    hash: Buffer.from(token.hash).toString('base64'),
    replaces: token.replaces === null ? null : idToUuid(token.replaces),
  }
  const rows = await run<{ answer: MintAnswer }>(pool, { name: 'mint_token', text: 'select mint_token($1::jsonb) as answer' }, [
    JSON.stringify(document),
  ])
  return only(rows).answer
}

/** Revokes a token of an account, again is the same; false: it has no such token. */
export async function revokeToken(pool: pg.Pool, account: string, token: Id<'token'>, actor: Actor): Promise<boolean> {
  const rows = await run<{ done: boolean }>(pool, { name: 'revoke_token', text: 'select revoke_token($1, $2, $3::jsonb) as done' }, [
    account,
    idToUuid(token),
    JSON.stringify(actor),
  ])
  return only(rows).done
}

/** Service accounts with a token in force that may both ask and approve for people: `doctor` names them. */
export async function listBothHalves(pool: pg.Pool, most: number): Promise<readonly { readonly name: string; readonly prefix: string }[]> {
  return run<{ name: string; prefix: string }>(
    pool,
    {
      name: 'list_both_halves',
      text: `select a.name, coalesce(t.prefix, '') as prefix from api_token t join service_account a on a.principal_id = t.principal_id
        where t.revoked_at is null and t.expires_at > now() and t.scopes @> '{impersonate,requests:write,approvals:write}' order by a.name, t.id limit $1`,
    },
    [most],
  )
}
