import { isObject, pointerToken, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { ok, refuse, type Result } from '../result.ts'
import { closest } from '../schema-wording.ts'

/**
 * A CompositeResourceDefinition of Crossplane (https://docs.crossplane.io/latest/composition/composite-resource-definitions/),
 * as far as it matters for what people may ask for. v1 made claims in namespaces and cluster-scoped composites behind
 * them; v2 makes composites alone, in namespaces or not.
 */
export type Definition = {
  readonly apiVersion: string
  readonly name: string
  readonly group: string
  readonly scope: Scope
  readonly names: Names
  /** What people ask for where there are claims. */
  readonly claimNames: Names | null
  readonly connectionSecretKeys: readonly string[]
  readonly defaultCompositeDeletePolicy: Json | undefined
  readonly defaultCompositionUpdatePolicy: Json | undefined
  readonly versions: readonly DefinitionVersion[]
  /** The one that composites are of: its place among the versions. */
  readonly referenceable: number
  /** Pointers to what is not as it should be and matters little. */
  readonly warnings: readonly FieldError[]
}

export type Scope = 'LegacyCluster' | 'Namespaced' | 'Cluster'
export type Names = { readonly kind: string; readonly plural: string; readonly singular: string; readonly categories: readonly string[] }
export type DefinitionVersion = {
  readonly name: string
  readonly served: boolean
  readonly deprecated: boolean
  readonly schema: JsonObject
}

/** Where an object says what it is; what is no text is left empty. */
export type Source = { readonly apiVersion: string; readonly kind: string; readonly name: string }

export function sourceOf(document: unknown): Source {
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 253) : '')
  const object = isObject(document) ? document : {}
  const metadata = isObject(object['metadata']) ? object['metadata'] : {}
  return { apiVersion: text(object['apiVersion']), kind: text(object['kind']), name: text(metadata['name']) }
}

const apiGroup = 'apiextensions.crossplane.io'
const scopes: { readonly [api: string]: readonly [Scope, ...Scope[]] } = {
  [`${apiGroup}/v1`]: ['LegacyCluster', 'Namespaced', 'Cluster'],
  [`${apiGroup}/v2alpha1`]: ['Namespaced', 'Cluster', 'LegacyCluster'],
  [`${apiGroup}/v2`]: ['Namespaced', 'Cluster'],
}

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const subdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/
/** The API server holds a kind, in lower case, to be a label. */
const kindName = /^[A-Za-z][A-Za-z0-9]{0,62}$/
const versionName = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

type Reader = { readonly errors: FieldError[]; readonly warnings: FieldError[] }

/** Pointers start at the document. */
export function parseDefinition(document: unknown): Result<Definition, readonly FieldError[]> {
  if (!isObject(document)) return refuse([{ pointer: '', detail: 'must be a Kubernetes object: apiVersion, kind, metadata and spec' }])
  const { apiVersion, kind } = sourceOf(document)
  const own = Object.hasOwn(scopes, apiVersion) ? scopes[apiVersion] : undefined
  const isOther = apiVersion !== '' && !apiVersion.startsWith(`${apiGroup}/`)
  if (kind !== 'CompositeResourceDefinition' || isOther)
    return refuse([
      { pointer: '/kind', detail: `is ${kind || 'missing'}; what can be imported is a CompositeResourceDefinition of ${apiGroup}` },
    ])
  if (own === undefined) return refuse([{ pointer: '/apiVersion', detail: `must be one of ${Object.keys(scopes).join(', ')}` }])
  const reader: Reader = { errors: [], warnings: [] }
  const definition = readDefinition(document, apiVersion, own, reader)
  return definition === null || reader.errors.length > 0 ? refuse(reader.errors) : ok(definition)
}

function readDefinition(
  document: Record<string, unknown>,
  apiVersion: string,
  allowed: readonly [Scope, ...Scope[]],
  { errors, warnings }: Reader,
): Definition | null {
  const wrong = (pointer: string, detail: string) => errors.push({ pointer, detail })
  const { spec } = document
  if (!isObject(spec)) {
    wrong('/spec', 'is required')
    return null
  }
  const group = typeof spec['group'] === 'string' && subdomain.test(spec['group']) ? spec['group'] : ''
  if (group === '') wrong('/spec/group', 'must be an API group such as db.example.com')
  const scope = allowed.find((s) => s === (spec['scope'] ?? allowed[0]))
  if (scope === undefined) wrong('/spec/scope', `must be one of ${allowed.join(', ')}`)
  const names = readNames(spec['names'], '/spec/names', errors)
  const claimNames = spec['claimNames'] === undefined ? null : readNames(spec['claimNames'], '/spec/claimNames', errors)
  const name = sourceOf(document).name
  if (names !== null && group !== '' && name !== `${names.plural}.${group}`)
    wrong('/metadata/name', `must be ${names.plural}.${group}: the plural and the group`)
  if (names !== null && claimNames !== null && (names.kind === claimNames.kind || names.plural === claimNames.plural))
    wrong('/spec/claimNames', 'must name another kind and another plural than spec.names')
  checkLegacy(spec, apiVersion, scope ?? 'Namespaced', { errors, warnings })
  const { versions, referenceable } = readVersions(spec['versions'], errors)
  const keys = spec['connectionSecretKeys']
  if (names === null || scope === undefined) return null
  return {
    apiVersion,
    name,
    group,
    scope,
    names,
    claimNames: scope === 'LegacyCluster' ? claimNames : null,
    connectionSecretKeys: scope === 'LegacyCluster' && Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [],
    defaultCompositeDeletePolicy: spec['defaultCompositeDeletePolicy'] as Json | undefined, // A document is JSON.
    defaultCompositionUpdatePolicy: spec['defaultCompositionUpdatePolicy'] as Json | undefined,
    versions,
    referenceable,
    warnings,
  }
}

/** Claims and connection secrets are for the scope of v1; Crossplane refuses them elsewhere. */
function checkLegacy(spec: Record<string, unknown>, apiVersion: string, scope: Scope, { errors, warnings }: Reader): void {
  const preview = apiVersion.endsWith('/v2alpha1')
  if (preview)
    warnings.push({
      pointer: '/apiVersion',
      detail: `${apiVersion} was a preview that Crossplane does not serve any more; it is read as v2`,
    })
  if (scope === 'LegacyCluster') return
  const api = apiVersion.slice(apiGroup.length + 1)
  const why =
    api === 'v1' ? `only composites of scope LegacyCluster have them, and this one is ${scope}` : `there are none in ${apiGroup}/${api}`
  if (spec['claimNames'] !== undefined) errors.push({ pointer: '/spec/claimNames', detail: `must be left out: claims: ${why}` })
  if (spec['connectionSecretKeys'] === undefined) return
  if (preview)
    warnings.push({ pointer: '/spec/connectionSecretKeys', detail: 'means nothing: composites write no connection secrets any more' })
  else errors.push({ pointer: '/spec/connectionSecretKeys', detail: `must be left out: connection secrets: ${why}` })
}

function readNames(value: unknown, pointer: string, errors: FieldError[]): Names | null {
  const names = isObject(value) ? value : {}
  const { kind, plural, singular, categories } = names
  const before = errors.length
  if (typeof kind !== 'string' || !kindName.test(kind))
    errors.push({ pointer: `${pointer}/kind`, detail: 'must be a kind such as Database' })
  if (typeof plural !== 'string' || !label.test(plural))
    errors.push({ pointer: `${pointer}/plural`, detail: 'must be a plural such as databases' })
  if (singular !== undefined && singular !== '' && (typeof singular !== 'string' || !label.test(singular)))
    errors.push({ pointer: `${pointer}/singular`, detail: 'must be a name of lower-case letters, digits and -' })
  if (errors.length > before || typeof kind !== 'string' || typeof plural !== 'string') return null
  return {
    kind,
    plural,
    singular: typeof singular === 'string' && singular !== '' ? singular : kind.toLowerCase(),
    categories: Array.isArray(categories) ? categories.filter((category) => typeof category === 'string') : [],
  }
}

type Versions = { readonly versions: readonly DefinitionVersion[]; readonly referenceable: number }

function readVersions(value: unknown, errors: FieldError[]): Versions {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  if (list.length === 0) errors.push({ pointer: '/spec/versions', detail: 'must have at least 1 item' })
  const seen = new Set<string>()
  const referenceable: number[] = []
  const versions = list.flatMap((entry, i): readonly DefinitionVersion[] => {
    const at = `/spec/versions/${i}`
    const version = isObject(entry) ? entry : {}
    const { name, served, deprecated } = version
    if (typeof name !== 'string' || !versionName.test(name))
      errors.push({ pointer: `${at}/name`, detail: 'must be a version such as v1alpha1' })
    else if (seen.has(name)) errors.push({ pointer: `${at}/name`, detail: `is there twice: ${name}` })
    if (typeof name === 'string') seen.add(name)
    for (const flag of ['served', 'referenceable']) {
      if (typeof version[flag] !== 'boolean') errors.push({ pointer: `${at}/${flag}`, detail: 'must be true or false' })
    }
    if (version['referenceable'] === true) {
      referenceable.push(i)
      if (served === false)
        errors.push({ pointer: `${at}/served`, detail: 'must be true: the referenceable version is the one that can be asked for' })
    }
    const schema = isObject(version['schema']) ? version['schema']['openAPIV3Schema'] : undefined
    if (!isObject(schema)) {
      const near = isObject(version['schema']) ? closest('openAPIV3Schema', Object.keys(version['schema'])) : null
      const meant = near === null ? '' : `; ${near} may be meant`
      // What has no schema cannot be asked for, but another version can.
      if (version['referenceable'] === true)
        errors.push({ pointer: `${at}/schema/openAPIV3Schema`, detail: `is required: without it nothing can be asked for${meant}` })
    }
    return [
      {
        name: typeof name === 'string' ? name : '',
        served: served === true,
        deprecated: deprecated === true,
        schema: isObject(schema) ? (schema as JsonObject) : {}, // A document is JSON.
      },
    ]
  })
  if (list.length > 0 && referenceable.length !== 1) {
    const many = referenceable.map((i) => versions[i]?.name ?? '').join(', ')
    errors.push({
      pointer: '/spec/versions',
      detail: `must have exactly one version that is referenceable${many === '' ? '; there is none' : `; there are ${many}`}`,
    })
  }
  return { versions, referenceable: referenceable[0] ?? 0 }
}

/** Where the schema of a version stands in the document. */
export function schemaPointer(version: number): string {
  return `/spec/versions${pointerToken(version)}/schema/openAPIV3Schema`
}
