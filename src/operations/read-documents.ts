import type { Document, Kind } from '../core/document/document.ts'
import { teamCard } from '../core/document/team.ts'
import type { JsonObject } from '../core/json.ts'
import type { Platform } from '../core/platform.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import {
  listDocumentVersions as listVersionsInStore,
  listDocuments as listInStore,
  readDocument as readInStore,
  type DocumentFilter,
  type DocumentRecord,
  type DocumentVersionRecord,
} from '../store/documents.ts'
import { missingScope } from './authorize.ts'
import { readableTeams, readsAll, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { emptyPage, pageOf, parseCursor, type Page, type PageInput } from './page.ts'
import { etagOf, presentDocument, presentDocuments } from './present-document.ts'

/** One document in force. A blueprint's name may have a version: `postgres@1.2.0`. */
export async function readDocument(
  context: Context,
  caller: Caller,
  kind: Kind,
  name: string,
): Promise<Result<{ readonly document: JsonObject; readonly etag: string }>> {
  const record = await visibleDocument(context, caller, kind, name)
  return record.ok ? ok({ document: await presentDocument(context, record.value), etag: etagOf(record.value) }) : record
}

/** A page of the documents of a kind by name, as far as the caller may see each. */
export async function listDocuments(
  context: Context,
  caller: Caller,
  kind: Kind,
  filter: DocumentFilter,
  page: PageInput,
): Promise<Result<Page>> {
  const forbidden = missingScope(caller, `read${kind}`)
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor(page.after, parseName)
  if (!after.ok) return after
  const teams = readableTeams(await context.platform(), caller)
  if (kind === 'Trust' && teams !== null) return ok(emptyPage)
  const scope = kind !== 'Budget' || teams === null ? {} : { scopeTeams: teams }
  const records = await listInStore(context.database, kind, { ...filter, ...scope }, { first: page.first + 1, after: after.value })
  const shown = await presentDocuments(
    context,
    records.map((record) => ({ ...record, document: asSeenBy(teams, record.document) ?? record.document })),
  )
  const rows = records.map((record, index) => ({ name: record.document.metadata.name, shown: shown[index] ?? {} }))
  return ok(
    pageOf(
      rows,
      page.first,
      (row) => row.shown,
      (row) => row.name,
    ),
  )
}

/** Every revision of a document, newest first; of a blueprint, every version. */
export async function listDocumentVersions(
  context: Context,
  caller: Caller,
  kind: Kind,
  name: string,
  page: PageInput,
): Promise<Result<Page>> {
  const visible = await visibleDocument(context, caller, kind, name)
  if (!visible.ok) return visible
  const after = parseCursor(page.after, parseRevision)
  if (!after.ok) return after
  const versions = await listVersionsInStore(context.database, kind, name, { first: page.first + 1, after: after.value })
  if (versions === null) return refuse({ code: 'not-found' })
  return ok(pageOfVersions(readableTeams(await context.platform(), caller), versions, page.first))
}

/** A page of the revisions of one document, as a reader of these teams (null: all) sees them, from one more than it shows. */
export function pageOfVersions(teams: readonly string[] | null, versions: readonly DocumentVersionRecord[], first: number): Page {
  // A budget may have been another team's before; what it was then ends the list.
  const seen = versions.map((version) => ({ ...version, document: asSeenBy(teams, version.document) }))
  const hidden = seen.findIndex(({ document }) => document === null)
  const shown = (hidden === -1 ? seen : seen.slice(0, hidden)).flatMap(({ document, ...version }) =>
    document === null ? [] : [{ ...version, document }],
  )
  return pageOf(
    shown,
    first,
    ({ document, revision, updatedAt, appliedBy }) => ({
      apiVersion: document.apiVersion,
      kind: document.kind,
      metadata: { ...(document.metadata as unknown as JsonObject), revision, appliedAt: updatedAt.toISOString(), appliedBy },
      spec: document.spec as unknown as JsonObject, // Documents are JSON.
    }),
    (version) => String(version.revision),
  )
}

/** The position in a cursor of revisions; null: it is none. */
export function parseRevision(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}

async function visibleDocument(context: Context, caller: Caller, kind: Kind, name: string): Promise<Result<DocumentRecord>> {
  const forbidden = missingScope(caller, `read${kind}`)
  if (forbidden !== null) return refuse(forbidden)
  const [bare = name, version] = kind === 'Blueprint' ? name.split('@', 2) : [name]
  const mayBe = parseName(bare) !== null && !(await isHidden(context, caller, kind, bare))
  const record = mayBe ? await readInStore(context.database, kind, bare, version) : null
  const document = record === null ? null : asSeenBy(readableTeams(await context.platform(), caller), record.document)
  return record === null || document === null ? refuse({ code: 'not-found' }) : ok({ ...record, document })
}

/**
 * Whether it is there for this caller not at all. Known before it is looked for, so that what is hidden takes as long as what
 * is absent: to read a document that is there takes a statement more.
 */
async function isHidden(context: Context, caller: Caller, kind: Kind, name: string): Promise<boolean> {
  if (readsAll(caller) || (kind !== 'Trust' && kind !== 'Budget')) return false
  if (kind === 'Trust') return true
  const isThere = (platform: Platform) => {
    const budget = platform.budgets.get(name)
    return budget !== undefined && asSeenBy(readableTeams(platform, caller), budget.document) !== null
  }
  // One that another process made a moment ago may not have been heard of yet.
  return !isThere(await context.platform()) && !isThere(await context.reloadPlatform())
}

/**
 * What a caller sees of a document (`teams` null: everything). Budgets are their team's, of another team there is the card,
 * Trusts are for those who see everything: who may be whom helps nobody else but who wants to be it. The other kinds are for
 * everyone signed in.
 */
export function asSeenBy(teams: readonly string[] | null, document: Document): Document | null {
  if (teams === null) return document
  if (document.kind === 'Team') return teams.includes(document.metadata.name) ? document : teamCard(document)
  if (document.kind === 'Trust') return null
  if (document.kind !== 'Budget') return document
  const team = document.spec.scope?.team
  return team !== undefined && teams.includes(team) ? document : null
}

/** Names are DNS labels; anything else names nothing. */
export function parseName(text: string): string | null {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? text : null
}
