import type pg from 'pg'
import type { Document, Kind } from '../core/document/document.ts'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { LedgerEntry } from './budgets.ts'
import { run } from './database.ts'
import type { DocumentRecord, DocumentVersionRecord } from './documents.ts'
import { eventColumns, parseEvent, type EventPosition, type EventRecord, type EventRow } from './events.ts'
import { byParent, type PageOf } from './graph-reads.ts'
import { limitOf } from './list-pages.ts'
import type { ResourceChange } from './resources.ts'

/** More reads for many parents at once; see `graph-reads.ts`. Whoever asks has authorized the parents. */

type DocumentRow = {
  readonly parent: string
  readonly document: Document
  readonly revision: number
  readonly at: Date
  readonly from: Date
}

function documentOf({ document, revision, from, at }: DocumentRow): DocumentRecord {
  return { document, revision, createdAt: from, updatedAt: at }
}

/** The documents in force of these names, by name. */
export async function readDocumentsByName(
  pool: pg.Pool,
  kind: Kind,
  names: readonly string[],
): Promise<ReadonlyMap<string, DocumentRecord>> {
  const rows = await run<DocumentRow>(
    pool,
    {
      name: 'documents_by_name',
      text: `select d.name as parent, v.body as document, v.revision, d.created_at as "from", d.updated_at as at
        from document d join document_version v using (kind, name, revision) where d.kind = $1 and d.name = any ($2::text[])`,
    },
    [kind, names],
  )
  return new Map(rows.map((row) => [row.parent, documentOf(row)]))
}

/** Versions of blueprints that are in force, by `name@version`. */
export async function readBlueprintVersions(pool: pg.Pool, references: readonly string[]): Promise<ReadonlyMap<string, DocumentRecord>> {
  const rows = await run<DocumentRow>(
    pool,
    {
      name: 'blueprint_versions',
      text: `select v.name || '@' || v.version as parent, v.body as document, v.revision, d.created_at as "from", d.updated_at as at
        from document d join document_version v using (kind, name)
        where d.kind = 'Blueprint' and v.retired_at is null and d.name = any ($1::text[]) and v.name || '@' || v.version = any ($2::text[])`,
    },
    [references.map((reference) => reference.slice(0, reference.indexOf('@'))), references],
  )
  return new Map(rows.map((row) => [row.parent, documentOf(row)]))
}

const ownerOf = { Budget: `v.body->'spec'->'scope'->>'team'`, Service: `v.body->'spec'->>'owner'` } as const

/** A page of each team's budgets or services, by name. */
export async function listDocumentsOfTeams(
  pool: pg.Pool,
  kind: keyof typeof ownerOf,
  teams: readonly string[],
  page: PageOf<string>,
): Promise<ReadonlyMap<string, readonly DocumentRecord[]>> {
  const rows = await run<DocumentRow>(
    pool,
    {
      name: `documents_of_teams ${kind}`,
      // One scan of the kind, which is in the order of names: there is no index by team, and documents are few.
      text: `select s.parent, s.document, s.revision, s."from", s.at from (
          select ${ownerOf[kind]} as parent, v.body as document, v.revision, d.created_at as "from", d.updated_at as at, d.name,
            row_number() over (partition by ${ownerOf[kind]} order by d.name) as number
          from document d join document_version v using (kind, name, revision)
          where d.kind = '${kind}' and ${ownerOf[kind]} = any ($1::text[]) and ($2::text is null or d.name > $2)) s
        where s.number <= $3 order by s.name`,
    },
    [teams, page.after, page.first],
  )
  return new Map([...byParent(rows, page.first)].map(([team, list]) => [team, list.map(documentOf)]))
}

/** A page of the revisions of each document, newest first. */
export async function listVersionsOfDocuments(
  pool: pg.Pool,
  kind: Kind,
  names: readonly string[],
  page: PageOf<number>,
): Promise<ReadonlyMap<string, readonly DocumentVersionRecord[]>> {
  const rows = await run<DocumentRow & { readonly by: string }>(
    pool,
    {
      name: 'versions_of_documents',
      text: `select d.name as parent, s.body as document, s.revision, d.created_at as "from", s.applied_at as at, s.applied_by as by
        from document d cross join lateral (
          select v.body, v.revision, v.applied_at, v.applied_by from document_version v
          where v.kind = d.kind and v.name = d.name and ($3::int is null or v.revision < $3) order by v.revision desc limit $4) s
        where d.kind = $1 and d.name = any ($2::text[]) order by s.revision desc`,
    },
    [kind, names, page.after, page.first],
  )
  return new Map(
    [...byParent(rows, page.first)].map(([name, list]) => [name, list.map((row) => ({ ...documentOf(row), appliedBy: row.by }))]),
  )
}

/** A page of the ledger of each budget in force, oldest first. */
export async function listLedgersOfBudgets(
  pool: pg.Pool,
  names: readonly string[],
  page: PageOf<bigint>,
): Promise<ReadonlyMap<string, readonly LedgerEntry[]>> {
  type Row = { parent: string; id: string; kind: LedgerEntry['kind']; amount: string; request_id: string | null; at: Date }
  const limit = limitOf(page.first)
  const rows = await run<Row>(
    pool,
    {
      name: `ledgers_of_budgets ${limit}`,
      // A decrease reserves nothing.
      text: `select b.name as parent, e.id::text, e.kind, e.amount::text, e.request_id, e.at from budget b cross join lateral (
          select * from budget_entry z where z.budget_id = b.id and z.amount <> 0 and z.id > $2 order by z.id limit ${limit}) e
        where b.name = any ($1::text[]) and b.retired_at is null order by e.id`,
    },
    [names, page.after ?? 0n],
  )
  return new Map(
    [...byParent(rows, page.first)].map(([name, list]) => [
      name,
      list.map((row) => ({
        id: BigInt(row.id),
        kind: row.kind,
        amount: BigInt(row.amount),
        request: row.request_id === null ? null : idFromUuid('request', row.request_id),
        at: row.at,
      })),
    ]),
  )
}

/** A page of what was asked about each resource that these teams (null: all) have, newest first. */
export async function listChangesOfResources(
  pool: pg.Pool,
  teams: readonly string[] | null,
  ids: readonly Id<'resource'>[],
  page: PageOf<Id<'request'>>,
): Promise<ReadonlyMap<string, readonly ResourceChange[]>> {
  type Row = Omit<ResourceChange, 'request' | 'blueprint' | 'costBefore' | 'costAfter'> & {
    parent: string
    request_id: string
    blueprint_name: string
    blueprint_version: string
    cost_before: string
    cost_after: string
  }
  const limit = limitOf(page.first)
  const rows = await run<Row>(
    pool,
    {
      name: `changes_of_resources ${limit}`,
      text: `select mine.id as parent, c.request_id, q.state, c.action, c.blueprint_name, c.blueprint_version, c.parameters, c.cost_before::text,
          c.cost_after::text, p.subject as requester, q.reason, q.commit_sha as commit, q.created_at as "createdAt"
        from resource mine cross join lateral (
          select * from request_change z where z.resource_id = mine.id and ($2::uuid is null or z.request_id < $2)
          order by z.request_id desc limit ${limit}) c
        join request q on q.id = c.request_id join principal p on p.id = q.requester_id
        where mine.id = any ($1::uuid[]) and ($3::text[] is null or mine.team = any ($3)) order by c.request_id desc`,
    },
    [ids.map(idToUuid), page.after === null ? null : idToUuid(page.after), teams],
  )
  return new Map(
    [...byParent(rows, page.first)].map(([uuid, list]) => [
      idFromUuid('resource', uuid),
      list.map((row) => ({
        state: row.state,
        action: row.action,
        parameters: row.parameters,
        requester: row.requester,
        reason: row.reason,
        commit: row.commit,
        createdAt: row.createdAt,
        request: idFromUuid('request', row.request_id),
        blueprint: { name: row.blueprint_name, version: row.blueprint_version },
        costBefore: BigInt(row.cost_before),
        costAfter: BigInt(row.cost_after),
      })),
    ]),
  )
}

/** A page of the log of each team, or about each subject, oldest first; what is not readable yet is left out, as in `listEvents`. */
export async function listEventsOf(
  pool: pg.Pool,
  by: 'team' | 'subject',
  parents: readonly string[],
  type: string | null,
  page: PageOf<EventPosition>,
): Promise<ReadonlyMap<string, readonly EventRecord[]>> {
  const limit = limitOf(page.first)
  const rows = await run<EventRow & { readonly parent: string }>(
    pool,
    {
      name: `events_of ${by} ${limit}${page.after === null ? '' : ' after'}`,
      text: `select mine.key as parent, ${eventColumns}
        from unnest($1::text[]) mine(key) cross join lateral (
          select z.* from event z where z.${by} = mine.key and ($2::text is null or z.type = $2)
            and (z.tx < pg_snapshot_xmin(pg_current_snapshot()) or z.generation < (select current_generation()))
            ${page.after === null ? '' : 'and (z.generation, z.tx, z.seq) > ($3::integer, $4::text::xid8, $5::bigint)'}
          order by z.generation, z.tx, z.seq limit ${limit}) e
        order by e.generation, e.tx, e.seq`,
    },
    page.after === null ? [parents, type] : [parents, type, page.after.generation, page.after.tx, page.after.seq],
  )
  return new Map([...byParent(rows, page.first)].map(([key, list]) => [key, list.map(parseEvent)]))
}
