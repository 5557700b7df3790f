import { setImmediate } from 'node:timers/promises'
import { parseDocument } from '../core/document/document.ts'
import type { BlueprintDocument } from '../core/document/blueprint.ts'
import { importDefinition, type Imported, type ImportOptions, type ImportRefusal } from '../core/import/import-definition.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { findPlaintextSecrets } from '../core/plaintext-secret.ts'
import type { Platform } from '../core/platform.ts'
import type { FieldError } from '../core/problem.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { findIllFormedText } from '../core/schema.ts'
import { readPlatformDocuments } from '../store/documents.ts'
import { listResourceVersions } from '../store/resource-lists.ts'
import { applyParsed, platformOf, platformWith, type StoredPlatform } from './apply-documents.ts'
import { missingPlatformRole } from './authorize.ts'
import type { BlueprintImport } from './blueprint-import.ts'
import type { Caller } from './caller.ts'
import { definitionsOf } from './cluster-definitions.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import { checkWithSchemas } from './kind-schemas.ts'
import { presentResources } from './read-resources.ts'

/** Rounds before an import gives up because somebody else applies the same versions without a pause. */
const MAX_ROUNDS = 5
/** Of what lives of one blueprint more is not told: a list of its own has all. */
const MAX_TOUCHED = 200

type Outcome = Result<Imported, ImportRefusal>

/**
 * Makes blueprints of definitions that the platform already has, one by one: those that can be are applied together, and
 * one that is refused says why and stops no other. A dry run answers the same and stores nothing.
 */
export async function importBlueprints(
  context: Context,
  caller: Caller,
  input: BlueprintImport & { readonly dryRun: boolean },
): Promise<Result<JsonObject>> {
  const forbidden = missingPlatformRole(caller, 'importBlueprints')
  if (forbidden !== null) return forbid(context, caller, forbidden, { operation: 'importBlueprints', team: null, subject: 'blueprints' })
  const documents = await definitionsOf(context, 'CompositeResourceDefinition', input)
  if (!documents.ok) return documents
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const stored = await readPlatformDocuments(context.database.pool)
    const outcomes = await importAll(context, stored, documents.value, input)
    const changed = outcomes.flatMap((outcome) =>
      outcome.ok && outcome.value.outcome !== 'unchanged' ? [{ document: outcome.value.document, pointer: '' }] : [],
    )
    if (changed.length > 0) {
      const applied = await applyParsed(context, caller, changed, { dryRun: input.dryRun, ifRevision: null })
      // What was imported was judged on the platform as it was a moment ago.
      if (!applied.ok && (applied.problem.code === 'version-exists' || applied.problem.code === 'invalid-document')) continue
      if (!applied.ok) return applied
    }
    return ok({ results: await present(context, outcomes) })
  }
  return refuse({
    code: 'unavailable',
    detail: 'Others are applying blueprints without a pause. Nothing was stored; import again.',
    retryAfterS: 1,
  })
}

async function importAll(
  context: Context,
  stored: StoredPlatform,
  documents: readonly unknown[],
  input: BlueprintImport,
): Promise<readonly Outcome[]> {
  const current = await platformOf(context, stored)
  const accepted = new Map<string, BlueprintDocument>()
  const options: ImportOptions = {
    price: input.price ?? null,
    allow: input.allow ?? null,
    previous: (name) => accepted.get(name) ?? current.blueprints.get(name)?.[0]?.document ?? null,
  }
  const outcomes: Outcome[] = []
  for (const document of documents) {
    // A definition takes milliseconds to tens of them; others are answered in between.
    await setImmediate()
    const outcome = await importOne(context, { stored, current, accepted }, document, options)
    if (outcome.ok) accepted.set(outcome.value.document.metadata.name, outcome.value.document)
    outcomes.push(outcome)
  }
  return outcomes
}

type Before = { readonly stored: StoredPlatform; readonly current: Platform; readonly accepted: ReadonlyMap<string, BlueprintDocument> }

async function importOne(context: Context, { stored, current, accepted }: Before, body: unknown, options: ImportOptions): Promise<Outcome> {
  const illFormed = findIllFormedText(body)
  if (illFormed.length > 0) return refuse({ source: { apiVersion: '', kind: '', name: '' }, blueprint: null, reasons: illFormed })
  const outcome = importDefinition(body, options)
  if (!outcome.ok || outcome.value.outcome === 'unchanged') return outcome
  const { source, sourceOf, document } = outcome.value
  const no = (errors: readonly FieldError[]) =>
    refuse({ source, blueprint: document.metadata.name, reasons: errors.map((error) => ({ ...error, pointer: sourceOf(error.pointer) })) })
  const secrets = findPlaintextSecrets(document as unknown as JsonObject, '') // Documents are JSON.
  if (secrets.length > 0) return no(secrets)
  const parsed = parseDocument(document)
  if (!parsed.ok) return no('errors' in parsed.problem ? parsed.problem.errors : [])
  const changed = [...accepted.values()].filter((other) => other.metadata.name !== document.metadata.name)
  const platform = platformWith(context, stored, [...changed, document].map(asChanged), current)
  const checked = await checkWithSchemas(context, platform, [asChanged(document)])
  return checked.ok ? outcome : no('errors' in checked.problem ? checked.problem.errors : [])
}

function asChanged(document: BlueprintDocument) {
  return { document, pointer: '' }
}

async function present(context: Context, outcomes: readonly Outcome[]): Promise<readonly JsonObject[]> {
  const results: JsonObject[] = []
  for (const outcome of outcomes) results.push(outcome.ok ? await presentImported(context, outcome.value) : presentRefusal(outcome.problem))
  return results
}

function presentRefusal({ source, blueprint, reasons }: ImportRefusal): JsonObject {
  return {
    source: { ...source },
    blueprint,
    version: null,
    outcome: 'refused',
    reasons: reasons.map((reason) => ({ ...reason })),
    warnings: [],
    diff: [],
    touches: [],
    document: null,
  }
}

async function presentImported(context: Context, { source, outcome, document, warnings, diff }: Imported): Promise<JsonObject> {
  const { name } = document.metadata
  return {
    source: { ...source },
    blueprint: name,
    version: document.spec.version,
    outcome,
    reasons: [],
    warnings: warnings.map((detail) => ({ detail })),
    diff: diff.map((difference) => ({ ...difference })),
    touches: outcome === 'changed' ? await touchedBy(context, name) : [],
    document: document as unknown as Json, // A document is JSON.
  }
}

/** What lives of a blueprint, in any version: each stays at its own until somebody updates it. An administrator sees all. */
async function touchedBy(context: Context, blueprint: string): Promise<readonly JsonObject[]> {
  const versions = await listResourceVersions(context.database.pool, null, { blueprint }, { first: MAX_TOUCHED, after: null })
  return presentResources(context, versions)
}
