import { isEmail } from '../core/email.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { knowPrincipal, readPerson, seePerson } from '../store/principals.ts'
import { scopes, type Caller, type Scope } from './caller.ts'
import type { Context } from './context.ts'
import { identityMemory } from './identity-memory.ts'
import type { Issuers, Vouched } from './ports.ts'
import type { Bearer, Shown } from './token-callers.ts'

/** What a person signed in may do is a matter of roles alone; acting for others is for bots. */
const personScopes: ReadonlySet<Scope> = new Set(scopes.filter((scope) => scope !== 'impersonate'))
/** What a bot may do at most for the person who asked it. */
const onBehalfScopes: readonly Scope[] = ['read', 'requests:write', 'approvals:write']

/** The person who shows an access token of an issuer; known from first sight on. */
export async function callerOfAccessToken(context: Context, issuers: Issuers, { bearer, key }: Shown): Promise<Result<Caller>> {
  const signedIn = await identityMemory(context).signedIn.read(key, () => verify(context, issuers, bearer), msLeft)
  return signedIn ?? refuse({ code: 'unauthenticated', detail: 'This token is not valid.' })
}

/** Refusals are not kept: whoever comes with rubbish must not push out who is signed in. */
function msLeft(signedIn: Result<Caller>): number {
  const expiresAt = signedIn.ok ? signedIn.value.credential.expiresAt : null
  return expiresAt === null ? 0 : expiresAt.getTime() - Date.now()
}

async function verify(context: Context, issuers: Issuers, bearer: string): Promise<Result<Caller>> {
  const verdict = await issuers.verifyAccessToken(bearer)
  switch (verdict.kind) {
    case 'vouched':
      return ok(await meet(context, verdict.vouched))
    case 'refused':
      return refuse({ code: 'unauthenticated', detail: verdict.reason })
    case 'unreachable':
      return refuse({
        code: 'unavailable',
        detail: 'The issuer of this token cannot be asked for its keys. Try again.',
        retryAfterS: verdict.retryAfterS,
      })
  }
}

async function meet(context: Context, vouched: Vouched): Promise<Caller> {
  const { issuer, subject, groups, expiresAt } = vouched
  const email = vouched.email !== null && isEmail(vouched.email) ? vouched.email : null
  const principal = await seePerson(context.database.pool, { issuer, subject, email, groups })
  const { administrators, auditors } = context.platformRoles
  return {
    principal,
    subject: email ?? `${issuer}#${subject}`,
    kind: 'person',
    email,
    groups,
    scopes: personScopes,
    administrator: isAmong(administrators, email, groups),
    auditor: isAmong(auditors, email, groups),
    team: null,
    onlyTeams: null,
    via: null,
    parties: [],
    credential: { kind: 'oidc', id: null, expiresAt },
  }
}

function isAmong(listed: readonly string[], email: string | null, groups: readonly string[]): boolean {
  return listed.some((each) =>
    each.startsWith('group:') ? groups.includes(each.slice('group:'.length)) : email !== null && each.toLowerCase() === email,
  )
}

/** A person for whom a bot asks: with their own roles in the teams that the bot is for, and at most what its token has. */
export async function callerOnBehalf(
  context: Context,
  { caller: bot, impersonateTeams }: Bearer,
  person: string,
  reads: boolean,
): Promise<Result<Caller>> {
  const email = person.trim().toLowerCase()
  if (!isEmail(email)) return refuse({ code: 'malformed', detail: 'Purser-On-Behalf-Of is the e-mail address of a person.' })
  if (!bot.scopes.has('impersonate') || impersonateTeams.length === 0) {
    return refuse({ code: 'forbidden', detail: 'These credentials may not act on behalf of this person.', needs: 'scope impersonate' })
  }
  const { principal, groups } = await findPerson(context, email, reads)
  return ok({
    principal,
    subject: email,
    kind: 'person',
    email,
    groups,
    scopes: new Set(onBehalfScopes.filter((scope) => bot.scopes.has(scope))),
    administrator: false,
    auditor: false,
    team: null,
    onlyTeams: impersonateTeams.includes('*') ? null : impersonateTeams,
    via: { principal: bot.principal, subject: bot.subject },
    parties: bot.parties,
    credential: bot.credential,
  })
}

/** Whom nobody has seen yet: in no row, so nothing was asked or decided by them. */
const nobody = { principal: '00000000-0000-0000-0000-000000000000', groups: [] }

/** What a bot only reads for somebody does not make them known: whom it names costs it nothing. */
async function findPerson(context: Context, email: string, reads: boolean): Promise<{ principal: string; groups: readonly string[] }> {
  const { pool } = context.database
  const { people } = identityMemory(context)
  const person = await people.read(email, () => readPerson(pool, email, context.groupsTtlMs))
  if (person !== null) return person
  return reads ? nobody : { principal: await knowPrincipal(pool, 'person', email), groups: [] }
}
