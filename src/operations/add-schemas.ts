import { setImmediate } from 'node:timers/promises'
import { sourceOf, type Source } from '../core/import/definition.ts'
import type { JsonObject } from '../core/json.ts'
import { parseResourceDefinition, type ResourceDefinition } from '../core/resource-definition.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import type { FieldError } from '../core/problem.ts'
import { findIllFormedText } from '../core/schema.ts'
import { putKindSchemas, type SchemaOutcome } from '../store/kind-schemas.ts'
import { missingPlatformRole } from './authorize.ts'
import { actorOf, type Caller } from './caller.ts'
import { definitionsOf } from './cluster-definitions.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'
import type { SchemaAddition } from './schema-input.ts'

type Read = { readonly source: Source; readonly definition: Result<ResourceDefinition, readonly FieldError[]> }

/** So many at a time go to the database: a cluster can have a thousand, and they are some 50 kB each. */
const BATCH = 50

/**
 * Stores what CustomResourceDefinitions say of their kinds; plans are judged by it from then on. One that is refused says
 * why and stops no other. A dry run answers the same and stores nothing.
 */
export async function addSchemas(
  context: Context,
  caller: Caller,
  input: SchemaAddition & { readonly dryRun: boolean },
): Promise<Result<JsonObject>> {
  const forbidden = missingPlatformRole(caller, 'addSchemas')
  if (forbidden !== null) return forbid(context, caller, forbidden, { operation: 'addSchemas', team: null, subject: 'schemas' })
  const documents = await definitionsOf(context, 'CustomResourceDefinition', input)
  if (!documents.ok) return documents
  const read: Read[] = []
  for (const document of documents.value) {
    // The largest take a tenth of a second; others are answered in between.
    await setImmediate()
    const illFormed = findIllFormedText(document)
    read.push({ source: sourceOf(document), definition: illFormed.length > 0 ? refuse(illFormed) : parseResourceDefinition(document) })
  }
  const outcomes = await store(
    context,
    caller,
    read.flatMap(({ definition }) => (definition.ok ? [definition.value] : [])),
    input.dryRun,
  )
  if (!input.dryRun && outcomes.some((outcome) => outcome !== 'unchanged')) await context.reloadPlatform()
  let next = 0
  return ok({ results: read.map((one) => present(one, one.definition.ok ? outcomes[next++] : undefined)) })
}

async function store(
  context: Context,
  caller: Caller,
  definitions: readonly ResourceDefinition[],
  dryRun: boolean,
): Promise<readonly SchemaOutcome[]> {
  const outcomes: SchemaOutcome[] = []
  for (let i = 0; i < definitions.length; i += BATCH)
    outcomes.push(...(await putKindSchemas(context.database.pool, definitions.slice(i, i + BATCH), { dryRun, actor: actorOf(caller) })))
  return outcomes
}

function present({ source, definition }: Read, outcome: SchemaOutcome | undefined): JsonObject {
  return {
    source: { ...source },
    kinds: definition.ok ? definition.value.kinds.map(({ group, version, kind }) => ({ group, version, kind })) : [],
    outcome: outcome ?? 'refused',
    reasons: definition.ok ? [] : definition.problem.map((reason) => ({ ...reason })),
  }
}
