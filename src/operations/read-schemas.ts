import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listKindSchemas, readKindSchema, removeKindSchema, type KindPosition, type KindSchemaRecord } from '../store/kind-schemas.ts'
import { missingPlatformRole, missingScope } from './authorize.ts'
import { actorOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import { pageOf, parseCursor, type Page, type PageInput } from './page.ts'

/** A page of the kinds that plans are judged by, by group, kind and version. */
export async function listSchemas(
  context: Context,
  caller: Caller,
  filter: { readonly group?: string },
  page: PageInput,
): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'listSchemas')
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor(page.after, parsePosition)
  if (!after.ok) return after
  const kinds = await listKindSchemas(context.database.pool, filter.group ?? null, { first: page.first + 1, after: after.value })
  return ok(pageOf(kinds, page.first, presentKind, ({ group, kind, version }) => `${group}/${kind}/${version}`))
}

/** One kind with its schema. */
export async function readSchema(context: Context, caller: Caller, which: KindPosition): Promise<Result<JsonObject>> {
  const forbidden = missingScope(caller, 'readSchema')
  if (forbidden !== null) return refuse(forbidden)
  const found = await readKindSchema(context.database.pool, which)
  return found === null ? refuse({ code: 'not-found' }) : ok({ ...presentKind(found), schema: found.schema })
}

/** Takes one version of a kind out: plans are not judged by it any more. */
export async function deleteSchema(context: Context, caller: Caller, which: KindPosition): Promise<Result<null>> {
  const subject = `${which.kind}.${which.group}/${which.version}`
  const forbidden = missingPlatformRole(caller, 'deleteSchema')
  if (forbidden !== null) return forbid(context, caller, forbidden, { operation: 'deleteSchema', team: null, subject })
  if (!(await removeKindSchema(context.database.pool, which, actorOf(caller)))) return refuse({ code: 'not-found' })
  await context.reloadPlatform()
  return ok(null)
}

function presentKind({ group, version, kind, scope, definition, digest, updatedAt, updatedBy }: KindSchemaRecord): JsonObject {
  return { group, version, kind, scope, definition, digest, updatedAt: updatedAt.toISOString(), updatedBy }
}

function parsePosition(text: string): KindPosition | null {
  const [group, kind, version, ...more] = text.split('/')
  return group === undefined || kind === undefined || version === undefined || more.length > 0 || text.includes('\0')
    ? null
    : { group, kind, version }
}
