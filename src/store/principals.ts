import type pg from 'pg'
import { only, run } from './database.ts'

export type TokenRecord = {
  readonly id: string
  readonly principal: string
  readonly subject: string
  readonly kind: 'person' | 'service-account'
  readonly scopes: readonly string[]
  /** `*`: for members of every team. */
  readonly impersonateTeams: readonly string[]
  readonly administrator: boolean
  readonly revoked: boolean
  /** Null: the installation's own, which lives until it is revoked. */
  readonly expiresAt: Date | null
  readonly mintedBy: string | null
  /** Null: the installation's own token, or a person's. */
  readonly account: Account | null
}

/** A service account in use. */
export type Account = { readonly team: string; readonly madeBy: string }

/** The token of this hash, revoked and expired ones too, so that their bearer can be told; not of an account that was retired. */
export async function readToken(pool: pg.Pool, hash: Uint8Array): Promise<TokenRecord | null> {
  type Row = Omit<TokenRecord, 'impersonateTeams' | 'account'> & {
    readonly impersonateTeams: string[] | null
    readonly team: string | null
    readonly madeBy: string | null
  }
  const [row] = await run<Row>(
    pool,
    {
      name: 'read_token',
      text: `select t.id, p.id as principal, p.subject, p.kind, t.scopes, t.impersonate_teams as "impersonateTeams", t.administrator,
        t.revoked_at is not null or a.retired_at is not null as revoked, t.expires_at as "expiresAt", t.created_by as "mintedBy",
        a.team, a.created_by as "madeBy"
      from api_token t join principal p on p.id = t.principal_id left join service_account a on a.principal_id = p.id where t.hash = $1`,
    },
    [hash],
  )
  if (row === undefined) return null
  const { team, madeBy, impersonateTeams, ...token } = row
  return { ...token, impersonateTeams: impersonateTeams ?? [], account: team === null || madeBy === null ? null : { team, madeBy } }
}

export type ExchangedAccount = Account & {
  readonly principal: string
  /** Who ever wrote a revision of the Trust that let it in, and the bot that asked for them: a rule stays whose it was when others change a word of it. */
  readonly authors: readonly string[]
}

/** A service account that is in use, by a Trust that is in force at this revision; null: one of them is not (any more). */
export async function readExchangedAccount(
  pool: pg.Pool,
  account: string,
  trust: { readonly name: string; readonly revision: number },
): Promise<ExchangedAccount | null> {
  const rows = await run<ExchangedAccount>(
    pool,
    {
      name: 'read_exchanged_account',
      text: `select a.principal_id as principal, a.team, a.created_by as "madeBy", array(
          select distinct p.id::text from event e join principal p on p.subject in (e.actor->>'subject', e.actor->>'via')
          where e.subject = $2 and e.type = 'dev.purser.document.applied.v1' and e.data->>'kind' = 'Trust' and e.data->>'outcome' <> 'retired') as authors
      from service_account a join document d on d.kind = 'Trust' and d.name = $2 and d.revision = $3
      where a.name = $1 and a.retired_at is null`,
    },
    [account, trust.name, trust.revision],
  )
  return rows[0] ?? null
}

/** Says that these tokens were used a moment ago. */
export async function touchTokens(pool: pg.Pool, ids: readonly string[]): Promise<void> {
  await run(pool, { name: 'touch_tokens', text: 'select touch_tokens($1)' }, [ids])
}

/** The groups of principal `p` that somebody was seen with lately, at whatever issuer; the parameter named is how lately, in milliseconds. */
export function freshGroups(fresh: string): string {
  return `array(select distinct g from person_identity i, unnest(i.groups) g where i.principal_id = p.id and i.groups_at > now() - make_interval(secs => ${fresh}::float8 / 1000))`
}

/** A person by e-mail, with the groups they were seen with lately; null: nobody has seen them yet. */
export async function readPerson(
  pool: pg.Pool,
  email: string,
  freshMs: number,
): Promise<{ readonly principal: string; readonly groups: readonly string[] } | null> {
  const rows = await run<{ principal: string; groups: string[] }>(
    pool,
    {
      name: 'read_person',
      text: `select p.id as principal, ${freshGroups('$2')} as groups from principal p where p.subject = $1 and p.kind = 'person'`,
    },
    [email, freshMs],
  )
  return rows[0] ?? null
}

/** The principal of a subject, made at first sight. Subjects of people and of service accounts cannot meet: only one has an @ or #. */
export async function knowPrincipal(pool: pg.Pool, kind: 'person' | 'service-account', subject: string): Promise<string> {
  return only(await run<{ id: string }>(pool, { name: 'know_principal', text: 'select know_principal($1, $2) as id' }, [kind, subject])).id
}

export type Sighting = {
  readonly issuer: string
  readonly subject: string
  /** Verified, in lower case. */
  readonly email: string | null
  readonly groups: readonly string[]
}

/** The principal of a person who showed a token of an issuer, made at first sight, and linked to whoever they were there before. */
export async function seePerson(pool: pg.Pool, { issuer, subject, email, groups }: Sighting): Promise<string> {
  const rows = await run<{ id: string }>(pool, { name: 'see_person', text: 'select see_person($1, $2, $3, $4) as id' }, [
    issuer,
    subject,
    email,
    groups,
  ])
  return only(rows).id
}

/** The principals of people listed by e-mail, made known where they are not, and of those seen lately in one of the groups. */
export async function knowPeople(
  pool: pg.Pool,
  listed: { readonly emails: readonly string[]; readonly groups: readonly string[] },
  freshMs: number,
): Promise<readonly string[]> {
  const rows = await run<{ ids: string[] }>(
    pool,
    { name: 'know_people', text: 'select know_people($1, $2, make_interval(secs => $3::float8 / 1000)) as ids' },
    [listed.emails, listed.groups, freshMs],
  )
  return only(rows).ids
}

/** Makes the installation's administrator token known by its hash; again is the same. `alone`: every other one is revoked. */
export async function keepAdminToken(pool: pg.Pool, hash: Uint8Array, scopes: readonly string[], alone: boolean): Promise<void> {
  await run(pool, { name: 'keep_admin_token', text: 'select keep_admin_token($1, $2, $3)' }, [hash, scopes, alone])
}
