import type pg from 'pg'
import type { Document, Kind } from '../core/document/document.ts'
import type { KindEntry } from '../core/kind-schema.ts'
import type { Actor } from '../core/request-record.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { read, only, run, type Database } from './database.ts'

/** A document as it is in force (or was, for a version), with what the store knows about it. */
export type DocumentRecord = { readonly document: Document; readonly revision: number; readonly createdAt: Date; readonly updatedAt: Date }

/** The revision of the platform, every document that decides (the current ones, and all versions of blueprints), and the kinds that it knows. */
export async function readPlatformDocuments(pool: pg.Pool): Promise<{
  readonly revision: bigint
  readonly documents: readonly { readonly document: Document; readonly revision: number; readonly digest: string }[]
  readonly kinds: readonly KindEntry[]
}> {
  // One statement, so that all is of one moment.
  const rows = await run<{
    revision: string
    kinds: readonly KindEntry[] | null
    body: Document | null
    document_revision: number
    digest: string
  }>(
    pool,
    {
      name: 'read_platform',
      text: `with known as (
          select jsonb_agg(jsonb_build_object('group', s.api_group, 'version', s.version, 'kind', s.kind, 'scope', s.scope, 'digest', s.digest)
            order by s.api_group, s.kind, s.version) as kinds from kind_schema s)
        select p.revision::text, case when v.place is null or v.place = 1 then k.kinds end as kinds, v.body, v.revision as document_revision, v.digest
        from platform p cross join known k left join (
          select v.body, v.revision, v.digest, v.kind, v.name, row_number() over (order by v.kind, v.name, v.revision) as place from document_version v
            join document x on x.kind = v.kind and x.name = v.name and (x.revision = v.revision or v.kind = 'Blueprint')
          where v.retired_at is null and v.kind not in ('Service', 'Trust')) v on true
        order by v.place`,
    },
    [],
  )
  const documents = rows.flatMap((row) =>
    row.body === null ? [] : [{ document: row.body, revision: row.document_revision, digest: row.digest }],
  )
  return { revision: BigInt(only(rows).revision), documents, kinds: rows[0]?.kinds ?? [] }
}

export async function readPlatformRevision(pool: pg.Pool): Promise<bigint> {
  return BigInt(
    only(await run<{ revision: string }>(pool, { name: 'platform_revision', text: 'select revision::text from platform' }, [])).revision,
  )
}

export type DocumentFilter = {
  readonly owner?: string
  readonly lifecycle?: string
  readonly tag?: string
  /** Only documents whose scope is one of these teams. */
  readonly scopeTeams?: readonly string[]
}

/** A page of current documents of a kind by name. */
export async function listDocuments(
  { pool }: Database,
  kind: Kind,
  filter: DocumentFilter,
  page: { readonly first: number; readonly after: string | null },
): Promise<readonly DocumentRecord[]> {
  type Row = { document: Document; revision: number; createdAt: Date; updatedAt: Date }
  return run<Row>(
    pool,
    {
      name: 'list_documents',
      text: `select v.body as document, v.revision, d.created_at as "createdAt", d.updated_at as "updatedAt"
      from document d join document_version v using (kind, name, revision)
      where d.kind = $1 and ($2::text is null or d.name > $2)
        and ($3::text is null or v.body->'spec'->>'owner' = $3)
        and ($4::text is null or coalesce(v.body->'spec'->>'lifecycle', 'production') = $4)
        and ($5::text is null or (v.body->'metadata'->'tags')::jsonb ? $5)
        and ($6::text[] is null or v.body->'spec'->'scope'->>'team' = any ($6))
      order by d.name limit $7`,
    },
    [kind, page.after, filter.owner ?? null, filter.lifecycle ?? null, filter.tag ?? null, filter.scopeTeams ?? null, page.first],
  )
}

/** One document in force; of a blueprint, `version` chooses one of its versions. */
export async function readDocument({ prisma }: Database, kind: Kind, name: string, version?: string): Promise<DocumentRecord | null> {
  const current = await read(prisma.document.findUnique({ where: { kind_name: { kind, name } }, include: { version: true } }))
  if (current === null) return null
  if (version === undefined) return parse(current.version, current)
  const chosen = await read(prisma.documentVersion.findFirst({ where: { kind, name, version, retiredAt: null } }))
  return chosen === null ? null : parse(chosen, current)
}

export type DocumentVersionRecord = DocumentRecord & { readonly appliedBy: string }

/** Every revision of a document that is in force, newest first. */
export async function listDocumentVersions(
  { prisma }: Database,
  kind: Kind,
  name: string,
  page: { readonly first: number; readonly after: number | null },
): Promise<readonly DocumentVersionRecord[] | null> {
  const current = await read(prisma.document.findUnique({ where: { kind_name: { kind, name } } }))
  if (current === null) return null
  const rows = await read(
    prisma.documentVersion.findMany({
      where: { kind, name, ...(page.after === null ? {} : { revision: { lt: page.after } }) },
      orderBy: { revision: 'desc' },
      take: page.first,
    }),
  )
  return rows.map((row) => ({ ...parse(row, current), updatedAt: row.appliedAt, appliedBy: row.appliedBy }))
}

type VersionRow = { readonly body: Prisma.JsonValue; readonly revision: number }

function parse(version: VersionRow, current: { readonly createdAt: Date; readonly updatedAt: Date }): DocumentRecord {
  // Written by `apply_documents` alone, from what `parseDocument` accepted.
  return {
    document: version.body as unknown as Document,
    revision: version.revision,
    createdAt: current.createdAt,
    updatedAt: current.updatedAt,
  }
}

/** A document on its way into the store. */
export type AppliedDocument = {
  readonly kind: Kind
  readonly name: string
  readonly version: string | null
  /** Of a blueprint: the version that its bare name stands for from now on. */
  readonly current: string | null
  /** JSON text, so that the order of keys survives jsonb. */
  readonly body: string
  readonly digest: string
  readonly decides: boolean
  /** The team whose log it is in; null: the platform's. */
  readonly team: string | null
  /** The revision that the document must be at now; `any`: it must be there. */
  readonly ifRevision: number | 'any' | null
  readonly budget: {
    readonly name: string
    readonly team: string | null
    readonly environment: string | null
    readonly measure: string
    readonly blueprints: readonly string[] | null
    readonly limit: number
    readonly alertAt: readonly number[]
  } | null
  /** Where an environment puts its files and objects; it stays there while something of it lives. */
  readonly branch: { readonly repository: string; readonly branch: string; readonly path: string; readonly namespace: string } | null
}

export type AppliedResult = {
  readonly kind: Kind
  readonly name: string
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'retired'
  readonly revision: number
}

export type ApplyAnswer =
  | { readonly outcome: 'done'; readonly platformRevision: number; readonly results: readonly AppliedResult[] }
  | { readonly outcome: 'stale' }
  | { readonly outcome: 'version-exists'; readonly index: number; readonly name: string; readonly version: string }
  | { readonly outcome: 'precondition-failed'; readonly index: number }
  /** An environment that would move to another branch has resources that live on this one. */
  | { readonly outcome: 'in-use'; readonly index: number; readonly name: string; readonly usedBy: readonly string[] }

export async function applyDocuments(
  pool: pg.Pool,
  documents: readonly AppliedDocument[],
  context: { readonly platformRevision: bigint; readonly dryRun: boolean; readonly actor: Actor },
): Promise<ApplyAnswer> {
  const document = JSON.stringify({ ...context, platformRevision: Number(context.platformRevision), documents })
  return only(
    await run<{ answer: ApplyAnswer }>(pool, { name: 'apply_documents', text: 'select apply_documents($1::jsonb) as answer' }, [document]),
  ).answer
}

export type RetireAnswer =
  | { readonly outcome: 'done' | 'stale' | 'not-found' | 'precondition-failed' }
  | { readonly outcome: 'in-use'; readonly usedBy: readonly string[] }

export async function retireDocument(
  pool: pg.Pool,
  document: {
    readonly kind: Kind
    readonly name: string
    readonly decides: boolean
    readonly team: string | null
    readonly ifRevision: number | 'any' | null
  },
  context: { readonly platformRevision: bigint; readonly dryRun: boolean; readonly actor: Actor },
): Promise<RetireAnswer> {
  const p = JSON.stringify({ ...document, ...context, platformRevision: Number(context.platformRevision) })
  return only(
    await run<{ answer: RetireAnswer }>(pool, { name: 'retire_document', text: 'select retire_document($1::jsonb) as answer' }, [p]),
  ).answer
}
