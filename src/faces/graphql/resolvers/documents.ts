import type { Kind } from '../../../core/document/document.ts'
import type { Json, JsonObject } from '../../../core/json.ts'
import { applyDocuments, putDocument } from '../../../operations/apply-documents.ts'
import { documentBatch } from '../../../operations/document-batch.ts'
import { countDocuments, listVersions } from '../../../operations/list-children.ts'
import { plainQuery, serviceQuery } from '../../../operations/list-queries.ts'
import { listDocuments } from '../../../operations/read-documents.ts'
import { deleteDocument } from '../../../operations/retire-document.ts'
import { connectionOf, documentsOf } from '../connection.ts'
import type { DeleteTeamInput, MutationResolvers, PutTeamInput } from '../generated/types.ts'
import type { GraphContext } from '../graph-context.ts'
import { judge, readList } from '../judge.ts'
import { Refusal, unwrap } from '../refusal.ts'
import type { Connection, Named, ShownDocument } from '../sources.ts'

/** What all kinds of documents have in common. A blueprint's source has its version too, since its name alone may mean another one. */
export type DocumentSource = Named & { readonly version?: string }

/** The document behind a name, as the caller sees it; null: it is not in force any more, or out of sight. */
export function shownOf(kind: Kind, { name, version, shown }: DocumentSource, { load }: GraphContext): Promise<ShownDocument | null> {
  return shown === undefined ? load.document(kind, version === undefined ? name : `${name}@${version}`) : Promise.resolve(shown)
}

/** A field that is a member of the document's spec. */
export function inSpec(kind: Kind, member: string) {
  return async (source: DocumentSource, _args: object, graph: GraphContext): Promise<Json> =>
    (await shownOf(kind, source, graph))?.spec[member] ?? null
}

/** The same of a member that is text. */
export function textInSpec(kind: Kind, member: string) {
  const read = inSpec(kind, member)
  return async (source: DocumentSource, args: object, graph: GraphContext): Promise<string | null> => {
    const value = await read(source, args, graph)
    return typeof value === 'string' ? value : null
  }
}

/** The fields that every kind has. */
export function documentFields(kind: Kind) {
  return {
    id: (source: DocumentSource) => documentId(kind, source),
    apiVersion: () => 'purser.dev/v1',
    kind: () => kind,
    metadata: async (source: DocumentSource, _: object, graph: GraphContext) => (await shownOf(kind, source, graph))?.metadata ?? null,
    title: async (source: DocumentSource, _: object, graph: GraphContext) => (await shownOf(kind, source, graph))?.metadata.title ?? null,
    spec: async (source: DocumentSource, _: object, graph: GraphContext) => (await shownOf(kind, source, graph))?.spec ?? null,
    async versions({ name }: DocumentSource, args: object, { context, caller, load }: GraphContext) {
      const { page } = readList(plainQuery, args)
      const read = (names: readonly string[]) => listVersions(context, caller, kind, names, page)
      return connectionOf<JsonObject>(await load.page(`${kind}.versions`, name, page, read), page)
    },
  }
}

/** `team:payments`, `blueprint:postgres@1.2.0`. */
export function documentId(kind: Kind, { name, version }: DocumentSource): string {
  return `${kind.toLowerCase()}:${name}${version === undefined ? '' : `@${version}`}`
}

/** A document that was read, as a source. */
export function sourceOf(kind: Kind, document: JsonObject): DocumentSource {
  const shown = document as ShownDocument // As `presentDocument` shows it.
  const version = kind === 'Blueprint' ? shown.spec['version'] : undefined
  return { name: shown.metadata.name, shown, ...(typeof version === 'string' ? { version } : {}) }
}

/** One document by its name; there has to be one. */
export function oneOf(kind: Kind) {
  return async (_: unknown, { name }: { readonly name: string }, { load }: GraphContext): Promise<DocumentSource> => {
    const shown = await load.document(kind, name)
    if (shown === null) throw new Refusal({ code: 'not-found' })
    return sourceOf(kind, shown)
  }
}

export function listOf(kind: Kind) {
  return async (_: unknown, args: object, { context, caller }: GraphContext): Promise<Connection<DocumentSource>> => {
    const { filter, page } = readList(kind === 'Service' ? serviceQuery : plainQuery, args)
    return documentsOf(await listDocuments(context, caller, kind, filter, page), page, (shown) => sourceOf(kind, shown))
  }
}

export function totalOf(kind: Exclude<Kind, 'Service' | 'Trust'>) {
  return async ({ team }: Connection<unknown>, _: object, { context, caller }: GraphContext): Promise<number> =>
    unwrap(await countDocuments(context, caller, kind, team))
}

type Put = PutTeamInput
type Delete = DeleteTeamInput

async function put(kind: Kind, { name, document, dryRun, ifMatch }: Put, { context, caller }: GraphContext) {
  const done = unwrap(await putDocument(context, caller, kind, name, document, { dryRun: dryRun ?? false, ifMatch: ifMatch ?? null }))
  return { [kind.toLowerCase()]: sourceOf(kind, done.document) as unknown as JsonObject, created: done.created }
}

async function remove(kind: Kind, { name, dryRun, ifMatch }: Delete, { context, caller }: GraphContext) {
  unwrap(await deleteDocument(context, caller, kind, name, { dryRun: dryRun ?? false, ifMatch: ifMatch ?? null }))
  return { deletedId: documentId(kind, { name }), name }
}

export const documentMutations: Omit<
  MutationResolvers,
  | 'planRequest'
  | 'submitRequest'
  | 'approveRequest'
  | 'rejectRequest'
  | 'cancelRequest'
  | 'retryRequest'
  | 'acceptBranch'
  | 'importBlueprints'
  | 'addSchemas'
  | 'deleteSchema'
  | 'createServiceAccount'
  | 'retireServiceAccount'
  | 'createToken'
  | 'revokeToken'
> = {
  async apply(_, { input: { dryRun, documents } }, { context, caller }) {
    const batch = judge(documentBatch, { documents })
    return unwrap(await applyDocuments(context, caller, { documents: batch.documents, dryRun: dryRun ?? false }))
  },
  putTeam: (_, { input }, graph) => put('Team', input, graph),
  putEnvironment: (_, { input }, graph) => put('Environment', input, graph),
  putBlueprint: (_, { input }, graph) => put('Blueprint', input, graph),
  putPolicy: (_, { input }, graph) => put('Policy', input, graph),
  putBudget: (_, { input }, graph) => put('Budget', input, graph),
  putService: (_, { input }, graph) => put('Service', input, graph),
  putTrust: (_, { input }, graph) => put('Trust', input, graph),
  deleteTeam: (_, { input }, graph) => remove('Team', input, graph),
  deleteEnvironment: (_, { input }, graph) => remove('Environment', input, graph),
  deleteBlueprint: (_, { input }, graph) => remove('Blueprint', input, graph),
  deletePolicy: (_, { input }, graph) => remove('Policy', input, graph),
  deleteBudget: (_, { input }, graph) => remove('Budget', input, graph),
  deleteService: (_, { input }, graph) => remove('Service', input, graph),
  deleteTrust: (_, { input }, graph) => remove('Trust', input, graph),
}
