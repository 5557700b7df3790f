import { blueprintWarnings } from '../core/blueprint-warnings.ts'
import { kinds, parseDocument, type Document, type Kind } from '../core/document/document.ts'
import type { BudgetDocument } from '../core/document/budget.ts'
import { teamOf } from '../core/document/team-of.ts'
import { canonicalize, digest, isObject, type JsonObject } from '../core/json.ts'
import { parseMoney } from '../core/money.ts'
import { placeOf } from '../core/place.ts'
import { findPlaintextSecrets } from '../core/plaintext-secret.ts'
import { buildPlatform, resolveBlueprint, type Platform, type StoredDocument } from '../core/platform.ts'
import type { ChangedDocument } from '../core/platform-check.ts'
import type { FieldError, Problem } from '../core/problem.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import {
  applyDocuments as applyInStore,
  readDocument,
  readPlatformDocuments,
  type AppliedDocument,
  type AppliedResult,
} from '../store/documents.ts'
import { actorOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { mayWrite } from './document-rights.ts'
import { checkWithSchemas } from './kind-schemas.ts'
import { etagOf, parseIfMatch, presentDocument } from './present-document.ts'
import { findMissingAccounts } from './trust-accounts.ts'

const MAX_DOCUMENTS = 1_000
/** Rounds of check and store before an apply gives up because others apply without a pause. */
const MAX_ROUNDS = 5

/** Applies documents together or not at all. A dry run answers the same and stores nothing. */
export async function applyDocuments(
  context: Context,
  caller: Caller,
  input: { readonly documents: readonly unknown[]; readonly dryRun: boolean },
): Promise<Result<JsonObject>> {
  if (input.documents.length > MAX_DOCUMENTS)
    return refuse({ code: 'invalid', errors: [{ pointer: '/documents', detail: `must have at most ${MAX_DOCUMENTS} documents` }] })
  const parsed = parseAll(input.documents)
  if (!parsed.ok) return parsed
  const applied = await applyParsed(context, caller, parsed.value, { dryRun: input.dryRun, ifRevision: null })
  if (!applied.ok) return applied
  const { platformRevision, platform } = applied.value
  const results = applied.value.results.map((result, i) => {
    const document = parsed.value[i]?.document
    const warnings = document?.kind === 'Blueprint' ? blueprintWarnings(platform, document) : []
    return warnings.length === 0 ? { ...result } : { ...result, warnings: warnings.map((warning) => ({ ...warning })) }
  })
  return ok({ platformRevision: Number(platformRevision), results })
}

/** Applies one document under the name that its path has. `ifMatch`: the ETag that it must still have. */
export async function putDocument(
  context: Context,
  caller: Caller,
  kind: Kind,
  name: string,
  body: unknown,
  options: { readonly dryRun: boolean; readonly ifMatch: string | null },
): Promise<Result<{ readonly created: boolean; readonly document: JsonObject; readonly etag: string }>> {
  const ifRevision = parseIfMatch(options.ifMatch)
  if (!ifRevision.ok) return ifRevision
  const parsed = parseDocument(withoutAnswerFields(body))
  if (!parsed.ok) return parsed
  const document = parsed.value
  const misplaced: FieldError[] = [
    ...(document.kind === kind ? [] : [{ pointer: '/kind', detail: `must be ${kind} here` }]),
    ...(document.metadata.name === name ? [] : [{ pointer: '/metadata/name', detail: `must be ${name}, as in the path` }]),
  ]
  const secrets = findPlaintextSecrets(document as unknown as JsonObject, '') // Documents are JSON.
  if (secrets.length > 0) return refuse({ code: 'plaintext-secret', errors: secrets })
  if (misplaced.length > 0) return refuse({ code: 'invalid-document', errors: misplaced })
  const applied = await applyParsed(context, caller, [{ document, pointer: '' }], { dryRun: options.dryRun, ifRevision: ifRevision.value })
  if (!applied.ok) return applied

  const [result] = applied.value.results
  if (result === undefined) throw new Error('a document was applied without a result')
  const version = document.kind === 'Blueprint' ? document.spec.version : undefined
  const stored = options.dryRun ? null : await readDocument(context.database, kind, name, version)
  const now = context.now()
  const record = stored ?? { document, revision: result.revision, createdAt: now, updatedAt: now }
  return ok({ created: result.outcome === 'created', document: await presentDocument(context, record), etag: etagOf(record) })
}

/** `platform`: as it is with what was applied. */
type Applied = { readonly platformRevision: number; readonly results: readonly AppliedResult[]; readonly platform: Platform }

/** Checks documents that have their shapes, and stores them together or not at all. */
export async function applyParsed(
  context: Context,
  caller: Caller,
  changed: readonly ChangedDocument[],
  options: { readonly dryRun: boolean; readonly ifRevision: number | 'any' | null },
): Promise<Result<Applied>> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const stored = await readPlatformDocuments(context.database.pool)
    const current = await platformOf(context, stored)
    for (const { document } of changed) {
      const forbidden = await mayWrite(context, current, caller, document, 'put')
      if (forbidden !== null) return forbidden
    }
    const platform = platformWith(context, stored, changed, current)
    const checked = await checkWithSchemas(context, platform, changed)
    if (!checked.ok) return checked
    const missing = await findMissingAccounts(context, changed)
    if (missing.length > 0) return refuse({ code: 'invalid-document', errors: missing })

    const answer = await applyInStore(
      context.database.pool,
      changed.map(({ document }) => storedForm(platform, document, options.ifRevision)),
      { platformRevision: stored.revision, dryRun: options.dryRun, actor: actorOf(caller) },
    )
    switch (answer.outcome) {
      case 'stale':
        continue
      case 'version-exists':
        return refuse({ code: 'version-exists', name: answer.name, version: answer.version })
      case 'precondition-failed':
        return refuse({ code: 'precondition-failed', detail: 'The document is at another revision than If-Match names. Read it again.' })
      case 'in-use':
        return refuse({
          code: 'in-use',
          usedBy: answer.usedBy,
          detail: `Environment ${answer.name} cannot change its repository, branch, path or namespace while ${answer.usedBy.join(', ')} live there. Delete them, or make another environment.`,
        })
      case 'done':
        if (!options.dryRun) await context.reloadPlatform()
        return ok({ ...answer, platform })
    }
  }
  return refuse({
    code: 'unavailable',
    detail: 'Others are applying documents without a pause. Nothing was stored; apply again.',
    retryAfterS: 1,
  })
}

export type StoredPlatform = Awaited<ReturnType<typeof readPlatformDocuments>>

/** The platform as stored. The one in memory may be a moment older: who was an owner then may be none now. */
export async function platformOf({ allowFileRepositories, platform }: Context, stored: StoredPlatform): Promise<Platform> {
  const known = await platform()
  return known.revision === stored.revision ? known : buildPlatform({ ...stored, allowFileRepositories }, known)
}

/** All documents by their shapes, with every error at once. */
function parseAll(documents: readonly unknown[]): Result<readonly ChangedDocument[]> {
  const parsed: ChangedDocument[] = []
  const errors: FieldError[] = []
  const secrets: FieldError[] = []
  const seen = new Map<string, number>()
  documents.forEach((body, index) => {
    const pointer = `/documents/${index}`
    const result = parseDocument(withoutAnswerFields(body), pointer)
    if (!result.ok) {
      if ('errors' in result.problem) errors.push(...result.problem.errors)
      return
    }
    const document = result.value
    const key = `${document.kind} ${document.metadata.name}${document.kind === 'Blueprint' ? ` ${document.spec.version}` : ''}`
    const first = seen.get(key)
    if (first !== undefined) errors.push({ pointer, detail: `is ${key}, and so is document ${first}` })
    seen.set(key, index)
    secrets.push(...findPlaintextSecrets(document as unknown as JsonObject, pointer))
    parsed.push({ document, pointer })
  })
  if (secrets.length > 0) return refuse({ code: 'plaintext-secret', errors: secrets } satisfies Problem)
  return errors.length > 0 ? refuse({ code: 'invalid-document', errors } satisfies Problem) : ok(parsed)
}

/** A document as it was answered can be sent back: what only answers have is passed over. */
function withoutAnswerFields(body: unknown): unknown {
  if (!isObject(body)) return body
  const { status: _, ...document } = body
  if (!isObject(document['metadata'])) return document
  const { revision: _r, createdAt: _c, updatedAt: _u, ...metadata } = document['metadata']
  return { ...document, metadata }
}

/** The platform as it would be with the changed documents. Versions of blueprints are added, everything else replaced. */
export function platformWith(context: Context, stored: StoredPlatform, changed: readonly ChangedDocument[], current: Platform): Platform {
  const key = (document: Document) =>
    `${document.kind} ${document.metadata.name}${document.kind === 'Blueprint' ? ` ${document.spec.version}` : ''}`
  const documents = new Map<string, StoredDocument>(stored.documents.map((s) => [key(s.document), s]))
  for (const { document } of changed)
    documents.set(key(document), { document, revision: (documents.get(key(document))?.revision ?? 0) + 1 })
  const { allowFileRepositories } = context
  return buildPlatform({ ...stored, revision: stored.revision + 1n, allowFileRepositories, documents: [...documents.values()] }, current)
}

function storedForm(platform: Platform, document: Document, ifRevision: number | 'any' | null): AppliedDocument {
  const { name } = document.metadata
  const isBlueprint = document.kind === 'Blueprint'
  return {
    kind: document.kind,
    name,
    version: isBlueprint ? document.spec.version : null,
    current: isBlueprint
      ? ((resolveBlueprint(platform, name) ?? platform.blueprints.get(name)?.[0])?.version ?? document.spec.version)
      : null,
    body: JSON.stringify(document),
    digest: digest(canonicalize(document)),
    decides: kinds[document.kind].decides,
    team: teamOf(document),
    ifRevision,
    budget: document.kind === 'Budget' ? budgetForm(document) : null,
    branch: document.kind === 'Environment' ? branchForm(document) : null,
  }
}

function budgetForm({ metadata, spec }: BudgetDocument): AppliedDocument['budget'] {
  const { scope = {}, measure = 'cost', match, limit, alertAt = [] } = spec
  const amount = typeof limit === 'string' ? parseMoney(limit) : BigInt(limit)
  if (amount === null) throw new Error(`budget ${metadata.name} was parsed with the limit ${limit}`)
  // Names have no % or _, so a glob is a LIKE pattern but for its star.
  const blueprints = match?.blueprints?.map((glob) => glob.replaceAll('*', '%')) ?? null
  return {
    name: metadata.name,
    team: scope.team ?? null,
    environment: scope.environment ?? null,
    measure,
    blueprints,
    limit: Number(amount),
    alertAt,
  }
}

function branchForm(document: Extract<Document, { kind: 'Environment' }>): AppliedDocument['branch'] {
  return placeOf(document)
}
