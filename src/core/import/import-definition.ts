import { makeBlueprint } from '../blueprint.ts'
import type { BlueprintDocument } from '../document/blueprint.ts'
import { canonicalize, isObject, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { ok, refuse, type Result } from '../result.ts'
import { parseSemver } from '../semver.ts'
import { compileStructural } from '../structural/structural.ts'
import { parseDefinition, sourceOf, type Definition, type Source } from './definition.ts'
import type { Which } from './generated-crd.ts'
import { importParameters, type ImportedParameters } from './parameters.ts'
import { diffSchemas, type Difference } from './schema-diff.ts'

/**
 * A Blueprint from a definition that the platform already has. What the definition says, its parameters and the object that
 * they go into, comes from there each time; what people decide about it, its price, defaults of environments, texts, stays
 * as it is in the version before.
 */
export type ImportOptions = {
  readonly price: BlueprintDocument['spec']['price'] | null
  readonly allow: BlueprintDocument['spec']['allow'] | null
  /** The highest version of a blueprint, if there is one of that name. */
  previous(name: string): BlueprintDocument | null
}

export type Imported = {
  readonly source: Source
  /** Where a pointer into the blueprint leads in the definition, or in what was said beside it. */
  sourceOf(pointer: string): string
  readonly outcome: 'created' | 'changed' | 'unchanged'
  readonly document: BlueprintDocument
  readonly previous: BlueprintDocument | null
  readonly warnings: readonly string[]
  readonly diff: readonly Difference[]
}

export type ImportRefusal = { readonly source: Source; readonly blueprint: string | null; readonly reasons: readonly FieldError[] }

/** Pointers of the reasons start at the definition. */
export function importDefinition(document: unknown, options: ImportOptions): Result<Imported, ImportRefusal> {
  const source = sourceOf(document)
  const parsed = parseDefinition(document)
  if (!parsed.ok) return refuse({ source, blueprint: null, reasons: parsed.problem })
  const definition = parsed.value
  const which: Which = definition.claimNames === null ? 'composite' : 'claim'
  const names = definition.claimNames ?? definition.names
  const name = names.singular
  const no = (reasons: readonly FieldError[]) => refuse({ source, blueprint: name, reasons })
  if (!blueprintName.test(name)) {
    const pointer = which === 'claim' ? '/spec/claimNames/singular' : '/spec/names/singular'
    return no([{ pointer, detail: `is ${name}, which names no blueprint: lower-case letters, digits and -, at most 63` }])
  }
  const parameters = importParameters(definition, which)
  if (!parameters.ok) return no(parameters.problem)
  const clusterScoped = which === 'composite' && definition.scope !== 'Namespaced'
  const allow = allowFor(definition, clusterScoped, options)
  if (!allow.ok) return no(allow.problem)

  const previous = options.previous(name)
  const written = writeBlueprint(definition, which, parameters.value, allow.value, previous, options)
  const unversioned = withVersion(written, previous?.spec.version ?? '1.0.0')
  const where = sourceFinder(parameters.value)
  const structural = compileStructural(parameters.value.schema)
  if (!structural.ok) return no(structural.problem.map((error) => ({ ...error, pointer: parameters.value.sourceOf(error.pointer) })))
  const compiled = makeBlueprint(unversioned, 1).compiled()
  if (!compiled.ok) return no(compiled.problem.map((error) => ({ ...error, pointer: where(error.pointer) })))
  const ignored = structural.value.ignored.map(({ pointer, detail }) => `${parameters.value.sourceOf(pointer)} ${detail}`)
  const warnings = [...warningsOf(definition, parameters.value, clusterScoped, previous, options), ...ignored]
  if (previous === null) return ok({ source, sourceOf: where, outcome: 'created', document: unversioned, previous, warnings, diff: [] })
  if (canonicalize(previous) === canonicalize(unversioned))
    return ok({ source, sourceOf: where, outcome: 'unchanged', document: previous, previous, warnings, diff: [] })
  const diff = diffBlueprints(previous, unversioned)
  const version = nextVersion(
    previous.spec.version,
    diff.some((difference) => difference.breaking),
  )
  return ok({ source, sourceOf: where, outcome: 'changed', document: withVersion(unversioned, version), previous, warnings, diff })
}

const blueprintName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

function withVersion(document: BlueprintDocument, version: string): BlueprintDocument {
  const { version: _, ...spec } = document.spec
  return { ...document, spec: { version, ...spec } }
}

function nextVersion(text: string, breaking: boolean): string {
  const before = parseSemver(text)
  if (before === null) throw new Error(`a blueprint has version ${text}`)
  return breaking ? `${before.major + 1}.0.0` : `${before.major}.${before.minor + 1}.0`
}

type Allow = BlueprintDocument['spec']['allow']

/** Who says nothing allows just the kind that is imported: only an administrator imports, and is told. */
function allowFor(definition: Definition, clusterScoped: boolean, { allow }: ImportOptions): Result<Allow, readonly FieldError[]> {
  const { group, names } = definition
  if (!clusterScoped) return ok(allow ?? undefined)
  if (allow === null) return ok({ clusterScoped: [{ group, kind: names.kind }] })
  if (allow?.clusterScoped?.some((scope) => scope.group === group && scope.kind === names.kind) === true) return ok(allow)
  const wanted = JSON.stringify({ group, kind: names.kind })
  return refuse([
    { pointer: '/spec/scope', detail: `makes objects that are cluster-scoped, which allow.clusterScoped does not list: ${wanted}` },
  ])
}

function writeBlueprint(
  definition: Definition,
  which: Which,
  parameters: ImportedParameters,
  allow: Allow,
  previous: BlueprintDocument | null,
  { price }: ImportOptions,
): BlueprintDocument {
  const names = definition.claimNames ?? definition.names
  const description = descriptionOf(definition)
  const own = previous?.spec
  const lifecycle = own?.lifecycle === 'deprecated' ? undefined : own?.lifecycle
  const manifests = [manifestFor(definition, which, parameters), ...keptManifests(previous, names.kind, definition.group)]
  const kept = allow ?? own?.allow
  return {
    apiVersion: 'purser.dev/v1',
    kind: 'Blueprint',
    metadata: previous?.metadata ?? {
      name: names.singular,
      title: names.kind.slice(0, 100),
      ...(description === '' ? {} : { description }),
      tags: ['crossplane'],
    },
    spec: {
      version: '',
      ...(lifecycle === undefined ? {} : { lifecycle }),
      ...(own?.owner === undefined ? {} : { owner: own.owner }),
      parameters: parameters.schema,
      ...(own?.environments === undefined ? {} : { environments: own.environments }),
      price: price ?? own?.price ?? 'free',
      manifests,
      ...(kept === undefined ? {} : { allow: kept }),
    },
  }
}

function descriptionOf({ versions, referenceable }: Definition): string {
  const schema = versions[referenceable]?.schema ?? {}
  const spec = isObject(schema['properties']) ? schema['properties']['spec'] : undefined
  const text = schema['description'] ?? (isObject(spec) ? spec['description'] : undefined)
  return typeof text === 'string' ? text.trim().slice(0, 2_000) : ''
}

/** Objects that somebody added to what was imported stay; the one that was imported is written anew. */
function keptManifests(previous: BlueprintDocument | null, kind: string, group: string): readonly JsonObject[] {
  if (previous === null) return []
  const imported = importedKind(previous)
  const isOf = (manifest: JsonObject, of: { group: string; kind: string }) => manifest['kind'] === of.kind && groupOf(manifest) === of.group
  return previous.spec.manifests.filter((manifest) => imported !== null && !isOf(manifest, imported) && !isOf(manifest, { group, kind }))
}

function groupOf({ apiVersion }: JsonObject): string {
  return typeof apiVersion === 'string' ? (apiVersion.split('/')[0] ?? '') : ''
}

/** The kind that a blueprint was imported from; null: it was written by hand. */
export function importedKind({ spec }: BlueprintDocument): { readonly group: string; readonly kind: string } | null {
  const list = spec.parameters['x-kubernetes-group-version-kind']
  const [first]: readonly Json[] = Array.isArray(list) ? list : []
  if (!isObject(first)) return null
  const { group, kind } = first
  return typeof group === 'string' && typeof kind === 'string' ? { group, kind } : null
}

function manifestFor(definition: Definition, which: Which, { schema, nested }: ImportedParameters): JsonObject {
  const { group, names, claimNames, scope } = definition
  const inNamespace = which === 'claim' || scope === 'Namespaced'
  const version = definition.versions[definition.referenceable]?.name ?? ''
  const secret = { name: '${resource.name}-conn', ...(which === 'claim' ? {} : { namespace: '${environment.namespace}' }) }
  const machinery: JsonObject = {
    ...(which === 'claim' ? { compositeDeletePolicy: 'Foreground' } : {}),
    ...(definition.connectionSecretKeys.length > 0 ? { writeConnectionSecretToRef: secret } : {}),
  }
  return {
    apiVersion: `${group}/${version}`,
    kind: (claimNames ?? names).kind,
    metadata: { name: '${resource.name}', ...(inNamespace ? { namespace: '${environment.namespace}' } : {}) },
    spec: specFor(schema, nested, machinery),
  }
}

/** `given`, not `parameters`: defaults are left to the API server, so that the object is what was asked for. */
function specFor(schema: JsonObject, nested: boolean, machinery: JsonObject): Json {
  if (nested) {
    const whole = schema['default'] === undefined ? '${given}' : '${size(given) == 0 ? optional.none() : optional.of(given)}'
    return { parameters: whole, ...machinery }
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === true && Object.keys(machinery).length === 0) return '${given}'
  const names = Object.keys(isObject(schema['properties']) ? schema['properties'] : {})
  return { ...Object.fromEntries(names.map((name) => [name, leafFor(name)])), ...machinery }
}

function leafFor(name: string): string {
  if (plainName.test(name) && !reserved.has(name)) return `\${given.?${name}}`
  return `\${given[?${JSON.stringify(name)}]}`
}

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Words that CEL keeps for itself. */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

/** `/price` and `/allow` are what was said beside the definition. */
function sourceFinder(parameters: ImportedParameters): (pointer: string) => string {
  return (pointer) => {
    if (pointer.startsWith('/spec/parameters')) return parameters.sourceOf(pointer.slice('/spec/parameters'.length))
    return /^\/spec\/(price|allow)(\/|$)/.test(pointer) ? pointer.slice('/spec'.length) : pointer
  }
}

function warningsOf(
  definition: Definition,
  parameters: ImportedParameters,
  clusterScoped: boolean,
  previous: BlueprintDocument | null,
  { price, allow }: ImportOptions,
): readonly string[] {
  const { group, names, claimNames } = definition
  const kind = (claimNames ?? names).kind
  const warnings = parameters.warnings.map(({ pointer, detail }) => `${pointer} ${detail}`)
  if (price === null && previous === null) warnings.push('No price was given, so it is free.')
  if (clusterScoped && allow === null)
    warnings.push(
      `Objects of ${kind} belong to no namespace, so spec.allow.clusterScoped lists the kind; their names are shared by all teams.`,
    )
  if (definition.versions[definition.referenceable]?.deprecated === true) warnings.push('The version that is referenceable is deprecated.')
  const { schema, nested } = parameters
  if (!nested && schema['x-kubernetes-preserve-unknown-fields'] === true && claimNames !== null)
    warnings.push('Fields of spec that the schema does not name cannot be asked for: Crossplane has fields of its own there.')
  if (previous === null) return warnings
  const before = importedKind(previous)
  if (before === null)
    warnings.push(`Blueprint ${previous.metadata.name} was not imported before; its manifests are replaced by the one of ${kind}.`)
  else if (before.group !== group || before.kind !== kind)
    warnings.push(
      `Blueprint ${previous.metadata.name} was of ${before.kind} in ${before.group}, and is of ${kind} in ${group} from now on.`,
    )
  return warnings
}

/** Pointers start at the Blueprint. */
function diffBlueprints(before: BlueprintDocument, after: BlueprintDocument): readonly Difference[] {
  const found = [...diffSchemas(before.spec.parameters, after.spec.parameters, '/spec/parameters')]
  const [was, is] = [before.spec.manifests, after.spec.manifests]
  for (let i = 0; i < Math.max(was.length, is.length); i++) {
    const [a, b] = [was[i], is[i]]
    if (a !== undefined && b !== undefined && canonicalize(a) === canonicalize(b)) continue
    found.push({ pointer: `/spec/manifests/${i}`, before: a ?? null, after: b ?? null, breaking: !isSameObject(a, b) })
  }
  for (const key of ['lifecycle', 'price', 'allow'] as const) {
    const [a, b] = [before.spec[key] ?? null, after.spec[key] ?? null] as [Json, Json] // Documents are JSON.
    if (canonicalize(a) !== canonicalize(b)) found.push({ pointer: `/spec/${key}`, before: a, after: b, breaking: false })
  }
  return found
}

/** Another version of an API is another form of the same object; another group or kind is another object. */
function isSameObject(before: JsonObject | undefined, after: JsonObject | undefined): boolean {
  if (before === undefined || after === undefined) return before === undefined
  const place = (manifest: JsonObject) => canonicalize(manifest['metadata'] ?? null)
  return before['kind'] === after['kind'] && groupOf(before) === groupOf(after) && place(before) === place(after)
}
