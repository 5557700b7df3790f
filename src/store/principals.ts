import type pg from 'pg'
import { only, run } from './database.ts'

export type TokenRecord = {
  readonly principal: string
  readonly subject: string
  readonly kind: 'person' | 'service-account'
  readonly scopes: readonly string[]
  /** `*`: for members of every team. */
  readonly impersonateTeams: readonly string[]
  readonly administrator: boolean
}

/** The token of this hash, unless it was revoked. */
export async function readToken(pool: pg.Pool, hash: Uint8Array): Promise<TokenRecord | null> {
  type Row = {
    principal: string
    subject: string
    kind: TokenRecord['kind']
    scopes: string[]
    impersonate_teams: string[] | null
    administrator: boolean
  }
  const rows = await run<Row>(
    pool,
    {
      name: 'read_token',
      text: `select p.id as principal, p.subject, p.kind, t.scopes, t.impersonate_teams, t.administrator
      from api_token t join principal p on p.id = t.principal_id where t.hash = $1 and t.revoked_at is null`,
    },
    [hash],
  )
  const [row] = rows
  return row === undefined ? null : { ...row, impersonateTeams: row.impersonate_teams ?? [] }
}

/** The principal of a subject; null: nobody has seen it yet. */
export async function readPrincipal(pool: pg.Pool, subject: string): Promise<string | null> {
  const rows = await run<{ id: string }>(pool, { name: 'read_principal', text: 'select id from principal where subject = $1' }, [subject])
  return rows[0]?.id ?? null
}

/** The principal of a subject, made at first sight. Subjects of people and of service accounts cannot meet: only one has an @ or #. */
export async function knowPrincipal(pool: pg.Pool, kind: 'person' | 'service-account', subject: string): Promise<string> {
  return only(await run<{ id: string }>(pool, { name: 'know_principal', text: 'select know_principal($1, $2) as id' }, [kind, subject])).id
}

/** Makes the installation's administrator token known by its hash; again is the same. `alone`: every other one is revoked. */
export async function keepAdminToken(pool: pg.Pool, hash: Uint8Array, scopes: readonly string[], alone: boolean): Promise<void> {
  await run(pool, { name: 'keep_admin_token', text: 'select keep_admin_token($1, $2, $3)' }, [hash, scopes, alone])
}
