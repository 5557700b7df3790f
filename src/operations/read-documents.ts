import type { Document, Kind } from '../core/document/document.ts'
import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listDocumentVersions as listVersionsInStore, listDocuments as listInStore, readDocument as readInStore, type DocumentFilter, type DocumentRecord } from '../store/documents.ts'
import { missingScope, readableTeams, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { pageOf, parseCursor, type Page, type PageInput } from './page.ts'
import { etagOf, presentDocument, presentDocuments } from './present-document.ts'

/** One document in force. A blueprint's name may have a version: `postgres@1.2.0`. */
export async function readDocument(context: Context, caller: Caller, kind: Kind, name: string): Promise<Result<{ readonly document: JsonObject; readonly etag: string }>> {
  const record = await visibleDocument(context, caller, kind, name)
  return record.ok ? ok({ document: await presentDocument(context, record.value), etag: etagOf(record.value) }) : record
}

/** A page of the documents of a kind by name. Budgets are those that the caller may read; the other kinds are open to everyone signed in. */
export async function listDocuments(context: Context, caller: Caller, kind: Kind, filter: DocumentFilter, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'read')
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor(page.after, parseName)
  if (!after.ok) return after
  const teams = kind === 'Budget' ? readableTeams(await context.platform(), caller) : null
  const records = await listInStore(context.database, kind, { ...filter, ...(teams === null ? {} : { scopeTeams: teams }) }, { first: page.first + 1, after: after.value })
  const shown = await presentDocuments(context, records)
  const rows = records.map((record, index) => ({ name: record.document.metadata.name, shown: shown[index] ?? {} }))
  return ok(pageOf(rows, page.first, (row) => row.shown, (row) => row.name))
}

/** Every revision of a document, newest first; of a blueprint, every version. */
export async function listDocumentVersions(context: Context, caller: Caller, kind: Kind, name: string, page: PageInput): Promise<Result<Page>> {
  const visible = await visibleDocument(context, caller, kind, name)
  if (!visible.ok) return visible
  const after = parseCursor(page.after, (text) => (/^\d{1,9}$/.test(text) ? Number(text) : null))
  if (!after.ok) return after
  const versions = await listVersionsInStore(context.database, kind, name, { first: page.first + 1, after: after.value })
  if (versions === null) return refuse({ code: 'not-found' })
  const teams = readableTeams(await context.platform(), caller)
  // A budget may have been another team's before; what it was then ends the list.
  const hidden = versions.findIndex(({ document }) => !mayRead(teams, document))
  return ok(pageOf(hidden === -1 ? versions : versions.slice(0, hidden), page.first, ({ document, revision, updatedAt, appliedBy }) => ({
    apiVersion: document.apiVersion, kind: document.kind,
    metadata: { ...(document.metadata as unknown as JsonObject), revision, appliedAt: updatedAt.toISOString(), appliedBy },
    spec: document.spec as unknown as JsonObject, // Documents are JSON.
  }), (version) => String(version.revision)))
}

async function visibleDocument(context: Context, caller: Caller, kind: Kind, name: string): Promise<Result<DocumentRecord>> {
  const forbidden = missingScope(caller, 'read')
  if (forbidden !== null) return refuse(forbidden)
  const [bare = name, version] = kind === 'Blueprint' ? name.split('@', 2) : [name]
  const record = parseName(bare) === null ? null : await readInStore(context.database, kind, bare, version)
  if (record === null || !mayRead(readableTeams(await context.platform(), caller), record.document)) return refuse({ code: 'not-found' })
  return ok(record)
}

/** Budgets are their team's; the other kinds are for everyone signed in. */
function mayRead(teams: readonly string[] | null, document: Document): boolean {
  if (document.kind !== 'Budget' || teams === null) return true
  const team = document.spec.scope?.team
  return team !== undefined && teams.includes(team)
}

/** Names are DNS labels; anything else names nothing. */
function parseName(text: string): string | null {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? text : null
}
