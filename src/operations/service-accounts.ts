import type { Static } from 'typebox'
import type { JsonObject } from '../core/json.ts'
import { findPlaintextSecrets } from '../core/plaintext-secret.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import {
  listServiceAccounts as listInStore,
  makeServiceAccount,
  readServiceAccount as readInStore,
  retireServiceAccount as retireInStore,
  type ServiceAccountRecord,
} from '../store/service-accounts.ts'
import { missingRole, missingScope } from './authorize.ts'
import { actorOf, readableTeams, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import { pageOf, parseCursor, type Page, type PageInput } from './page.ts'
import type { serviceAccountInput } from './token-input.ts'

/** A page of the service accounts of the caller's teams, by name. */
export async function listServiceAccounts(
  context: Context,
  caller: Caller,
  filter: { readonly team?: string },
  page: PageInput,
): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'listServiceAccounts')
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor(page.after, (position) => (/^[a-z0-9-]{1,63}$/.test(position) ? position : null))
  if (!after.ok) return after
  const seen = readableTeams(await context.platform(), caller)
  const { team } = filter
  const teams = team === undefined ? seen : seen === null || seen.includes(team) ? [team] : []
  const accounts = teams?.length === 0 ? [] : await listInStore(context.database.pool, teams, { first: page.first + 1, after: after.value })
  return ok(pageOf(accounts, page.first, presentServiceAccount, ({ name }) => name))
}

/** One service account, to whoever may read what its team has. */
export async function readServiceAccount(context: Context, caller: Caller, name: string): Promise<Result<JsonObject>> {
  const forbidden = missingScope(caller, 'readServiceAccount')
  if (forbidden !== null) return refuse(forbidden)
  const account = await findServiceAccount(context, caller, name)
  return account === null ? refuse({ code: 'not-found' }) : ok(presentServiceAccount(account))
}

/** A service account that the caller may know of; null: absent and out of sight are the same (L11). */
export async function findServiceAccount(context: Context, caller: Caller, name: string): Promise<ServiceAccountRecord | null> {
  return readInStore(context.database.pool, name, readableTeams(await context.platform(), caller))
}

/** Makes a service account of a team. Whoever makes it has a part in whatever it asks. */
export async function createServiceAccount(
  context: Context,
  caller: Caller,
  { name, team, description = '' }: Static<typeof serviceAccountInput>,
): Promise<Result<JsonObject>> {
  const about = { operation: 'createServiceAccount', team, subject: name }
  const scope = missingScope(caller, 'createServiceAccount')
  if (scope !== null) return forbid(context, caller, scope, about)
  const platform = await context.platform()
  if (!platform.teams.has(team)) return refuse({ code: 'invalid', errors: [{ pointer: '/team', detail: `there is no team ${team}` }] })
  const forbidden = missingRole(platform, caller, 'createServiceAccount', team)
  if (forbidden !== null) return forbid(context, caller, forbidden, about)
  const secrets = findPlaintextSecrets(description, '/description')
  if (secrets.length > 0) return refuse({ code: 'plaintext-secret', errors: secrets })
  if (reserved.has(name)) return refuse({ code: 'invalid', errors: [{ pointer: '/name', detail: `${name} is a name of Purser's own` }] })

  const { pool } = context.database
  const { outcome } = await makeServiceAccount(pool, { name, team, description, createdBy: caller.principal, actor: actorOf(caller) })
  switch (outcome) {
    case 'no-team':
      return refuse({ code: 'invalid', errors: [{ pointer: '/team', detail: `there is no team ${team}` }] })
    case 'name-taken':
      return refuse({
        code: 'in-use',
        detail: `The name ${name} was given to a service account already, and no name is given twice.`,
        usedBy: [],
      })
    case 'done': {
      const made = await readInStore(pool, name, null)
      if (made === null) throw new Error(`service account ${name} was made and is not there`)
      return ok(presentServiceAccount(made))
    }
  }
}

/** The actor of what Purser does by itself, and the bearer of an installation's own token. */
const reserved: ReadonlySet<string> = new Set(['admin', 'purser'])

/** Takes a service account out of use, and its tokens with it, everywhere within a second. */
export async function retireServiceAccount(context: Context, caller: Caller, name: string): Promise<Result<null>> {
  const account = await findServiceAccount(context, caller, name)
  const scope = missingScope(caller, 'retireServiceAccount')
  if (scope !== null)
    return forbid(context, caller, scope, { operation: 'retireServiceAccount', team: account?.team ?? null, subject: name })
  if (account === null) return refuse({ code: 'not-found' })
  const forbidden = missingRole(await context.platform(), caller, 'retireServiceAccount', account.team)
  if (forbidden !== null)
    return forbid(context, caller, forbidden, { operation: 'retireServiceAccount', team: account.team, subject: name })
  return (await retireInStore(context.database.pool, name, actorOf(caller))) ? ok(null) : refuse({ code: 'not-found' })
}

function presentServiceAccount({ name, team, description, createdAt, createdBy }: ServiceAccountRecord): JsonObject {
  return { name, team, description, createdAt: createdAt.toISOString(), createdBy }
}
