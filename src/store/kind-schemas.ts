import type pg from 'pg'
import type { JsonObject } from '../core/json.ts'
import type { KindScope } from '../core/kind-schema.ts'
import type { Actor } from '../core/request-record.ts'
import type { ResourceDefinition } from '../core/resource-definition.ts'
import { only, run } from './database.ts'

export type KindSchemaRecord = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly scope: KindScope
  readonly definition: string
  readonly digest: string
  readonly updatedAt: Date
  readonly updatedBy: string
}

/** Where a kind is in the order of lists. */
export type KindPosition = { readonly group: string; readonly kind: string; readonly version: string }

const columns = `s.api_group as "group", s.version, s.kind, s.scope, s.definition, s.digest, s.updated_at as "updatedAt", s.updated_by as "updatedBy"`

/** A page of what is known, by group, kind and version; of one group where one is named. */
export async function listKindSchemas(
  pool: pg.Pool,
  group: string | null,
  page: { readonly first: number; readonly after: KindPosition | null },
): Promise<readonly KindSchemaRecord[]> {
  const { after } = page
  return run<KindSchemaRecord>(
    pool,
    {
      name: 'list_kind_schemas',
      text: `select ${columns} from kind_schema s
        where ($1::text is null or s.api_group = $1) and ($2::text is null or (s.api_group, s.kind, s.version) > ($2, $3, $4))
        order by s.api_group, s.kind, s.version limit $5`,
    },
    [group, after?.group ?? null, after?.kind ?? null, after?.version ?? null, page.first],
  )
}

export async function readKindSchema(
  pool: pg.Pool,
  { group, version, kind }: KindPosition,
): Promise<(KindSchemaRecord & { readonly schema: JsonObject }) | null> {
  const rows = await run<KindSchemaRecord & { readonly schema: JsonObject }>(
    pool,
    {
      name: 'read_kind_schema',
      text: `select ${columns}, s.schema from kind_schema s where (s.api_group, s.version, s.kind) = ($1, $2, $3)`,
    },
    [group, version, kind],
  )
  return rows[0] ?? null
}

/** The schemas of these digests, as far as they are there. */
export async function readSchemasByDigest(pool: pg.Pool, digests: readonly string[]): Promise<ReadonlyMap<string, JsonObject>> {
  const rows = await run<{ digest: string; schema: JsonObject }>(
    pool,
    {
      name: 'read_schemas_by_digest',
      text: 'select distinct on (s.digest) s.digest, s.schema from kind_schema s where s.digest = any ($1) order by s.digest',
    },
    [digests],
  )
  return new Map(rows.map(({ digest, schema }) => [digest, schema]))
}

export type SchemaOutcome = 'created' | 'changed' | 'unchanged'

/** Stores what definitions serve, all in one transaction, and says what became of each. */
export async function putKindSchemas(
  pool: pg.Pool,
  definitions: readonly ResourceDefinition[],
  context: { readonly dryRun: boolean; readonly actor: Actor },
): Promise<readonly SchemaOutcome[]> {
  const p = {
    ...context,
    definitions: definitions.map(({ name, kinds }) => ({
      name,
      group: kinds[0]?.group,
      kind: kinds[0]?.kind,
      scope: kinds[0]?.scope,
      // Text, so that the order of keys survives jsonb.
      versions: kinds.map(({ version, schema, digest }) => ({ version, digest, schema: JSON.stringify(schema) })),
    })),
  }
  const rows = await run<{ outcomes: SchemaOutcome[] }>(
    pool,
    { name: 'put_kind_schemas', text: 'select put_kind_schemas($1::jsonb) as outcomes' },
    [JSON.stringify(p)],
  )
  return only(rows).outcomes
}

/** False: there is none. */
export async function removeKindSchema(pool: pg.Pool, { group, version, kind }: KindPosition, actor: Actor): Promise<boolean> {
  const rows = await run<{ done: boolean }>(
    pool,
    { name: 'remove_kind_schema', text: 'select remove_kind_schema($1, $2, $3, $4::jsonb) as done' },
    [group, version, kind, JSON.stringify(actor)],
  )
  return only(rows).done
}
