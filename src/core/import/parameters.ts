import { isObject, pointerToken, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { ok, refuse, type Result } from '../result.ts'
import { schemaPointer, type Definition } from './definition.ts'
import { generatedSchema, machineryOf, propertyOf, requiredOf, specKeywords, type Which } from './generated-crd.ts'
import { moveSelf } from './move-self.ts'

/** What of an object people ask for: everything in its `spec` that is not Crossplane's business. */
export type ImportedParameters = {
  /** In Kubernetes' dialect; says which kind it is of. */
  readonly schema: JsonObject
  /** They stand in `spec.parameters`, else in `spec` itself. */
  readonly nested: boolean
  readonly warnings: readonly FieldError[]
  /** Where a pointer into the schema leads in the definition. */
  sourceOf(pointer: string): string
}

type Moved = { readonly rules: readonly Json[]; readonly pointers: readonly string[]; readonly errors: readonly FieldError[] }

export function importParameters(definition: Definition, which: Which): Result<ImportedParameters, readonly FieldError[]> {
  const version = definition.referenceable
  const at = schemaPointer(version)
  const generated = generatedSchema(definition, which, version)
  const spec = propertyOf(generated, 'spec')
  const machinery = new Set(Object.keys(machineryOf(definition, which)))
  const properties = Object.entries(isObject(spec['properties']) ? (spec['properties'] as JsonObject) : {})
  const own = properties.filter(([name]) => !machinery.has(name))
  const nested = isNested(own, spec)
  const specPath = `${at}/properties/spec`
  const base = nested ? `${specPath}/properties/parameters` : specPath
  const inner = nested ? ownSchema(own) : flatSchema(spec, own, machinery)

  const errors = [...checkWritten(definition, at), ...checkRequired(spec, machinery, which, specPath)]
  if (nested && spec['oneOf'] !== undefined)
    errors.push({ pointer: `${specPath}/oneOf`, detail: 'cannot be told of parameters alone: it is about all of spec' })
  const levels = [
    { written: generated, pointer: at, inside: nested ? ['spec', 'parameters'] : ['spec'] },
    { written: spec, pointer: specPath, inside: nested ? ['parameters'] : [] },
    ...(nested ? [{ written: inner, pointer: base, inside: [] }] : []),
  ]
  const moved = levels.map(({ written, pointer, inside }) => moveRules(written['x-kubernetes-validations'], pointer, inside))
  errors.push(...moved.flatMap((level) => level.errors))
  if (errors.length > 0) return refuse(errors)

  const rules = moved.flatMap((level) => level.rules)
  const pointers = moved.flatMap((level) => level.pointers)
  const kind = which === 'claim' && definition.claimNames !== null ? definition.claimNames.kind : definition.names.kind
  const { 'x-kubernetes-validations': _, ...rest } = inner
  const schema: JsonObject = {
    ...rest,
    'x-kubernetes-group-version-kind': [{ group: definition.group, version: definition.versions[version]?.name ?? '', kind }],
    ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }),
  }
  return ok({
    schema,
    nested,
    warnings: [...definition.warnings, ...passedOver(definition, at)],
    sourceOf: (pointer) => {
      const rule = /^\/x-kubernetes-validations\/(\d+)(\/.*)?$/.exec(pointer)
      return rule === null ? base + pointer : (pointers[Number(rule[1])] ?? base) + (rule[2] ?? '')
    },
  })
}

/** `spec.parameters` when that is all that `spec` has, and when it is an object. */
function isNested(own: readonly (readonly [string, Json])[], spec: JsonObject): boolean {
  const [only, another] = own
  if (only === undefined || another !== undefined || spec['x-kubernetes-preserve-unknown-fields'] === true) return false
  const [name, schema] = only
  return name === 'parameters' && isObject(schema) && schema['type'] === 'object'
}

function ownSchema([only]: readonly (readonly [string, Json])[]): JsonObject {
  return only !== undefined && isObject(only[1]) ? (only[1] as JsonObject) : { type: 'object' }
}

function flatSchema(spec: JsonObject, own: readonly (readonly [string, Json])[], machinery: ReadonlySet<string>): JsonObject {
  const required = requiredOf(spec).filter((name) => !machinery.has(name))
  const { properties: _p, required: _r, ...rest } = spec
  return { ...rest, ...(required.length > 0 ? { required } : {}), properties: Object.fromEntries(own) }
}

/** Places where Crossplane looks for a schema and finds none. */
function checkWritten({ versions, referenceable }: Definition, at: string): FieldError[] {
  const written = versions[referenceable]?.schema ?? {}
  const errors: FieldError[] = []
  const { properties } = written
  if (properties !== undefined && !isObject(properties)) errors.push({ pointer: `${at}/properties`, detail: 'must be an object' })
  for (const name of ['spec', 'status']) {
    const sub = isObject(properties) ? properties[name] : undefined
    if (sub !== undefined && !isObject(sub)) errors.push({ pointer: `${at}/properties/${name}`, detail: 'must be a schema' })
    else if (isObject(sub) && sub['properties'] !== undefined && !isObject(sub['properties']))
      errors.push({ pointer: `${at}/properties/${name}/properties`, detail: 'must be an object' })
  }
  return errors
}

/** What a manifest says of Crossplane's own fields; `importDefinition` writes it. */
const rendered: { readonly [W in Which]: readonly string[] } = {
  claim: ['compositeDeletePolicy', 'writeConnectionSecretToRef'],
  composite: ['writeConnectionSecretToRef'],
}

function checkRequired(spec: JsonObject, machinery: ReadonlySet<string>, which: Which, specPath: string): FieldError[] {
  const missing = requiredOf(spec).filter((name) => machinery.has(name) && !rendered[which].includes(name))
  return missing.map((name) => ({
    pointer: `${specPath}/required`,
    detail: `names ${name}, which is Crossplane's own: no parameter can give it`,
  }))
}

function moveRules(written: Json | undefined, pointer: string, inside: readonly string[]): Moved {
  const rules: Json[] = []
  const pointers: string[] = []
  const errors: FieldError[] = []
  const list: readonly Json[] = Array.isArray(written) ? written : []
  list.forEach((entry, i) => {
    const at = `${pointer}/x-kubernetes-validations/${i}`
    pointers.push(at)
    if (!isObject(entry) || inside.length === 0) {
      rules.push(entry)
      return
    }
    const moved: Record<string, Json> = { ...(entry as JsonObject) }
    for (const key of ['rule', 'messageExpression']) {
      const source = moved[key]
      if (typeof source !== 'string') continue
      const text = moveSelf(source, inside)
      if (text.ok) moved[key] = text.value
      else errors.push({ pointer: at + pointerToken(key), detail: text.problem })
    }
    const { fieldPath } = moved
    const prefix = `.${inside.join('.')}`
    if (typeof fieldPath === 'string') {
      if (fieldPath.startsWith(`${prefix}.`) || fieldPath.startsWith(`${prefix}[`)) moved['fieldPath'] = fieldPath.slice(prefix.length)
      else delete moved['fieldPath']
    }
    rules.push(moved)
  })
  return { rules, pointers, errors }
}

/** Said directly of the object or of its `spec`, and passed over by Crossplane without a word. */
function passedOver({ versions, referenceable }: Definition, at: string): readonly FieldError[] {
  const written = versions[referenceable]?.schema ?? {}
  const spec = propertyOf(written, 'spec')
  const known = new Set<string>(['type', 'properties', ...specKeywords])
  const found = Object.keys(spec)
    .filter((keyword) => !known.has(keyword))
    .map((keyword) => `${at}/properties/spec${pointerToken(keyword)}`)
  const fields = Object.keys(isObject(written['properties']) ? written['properties'] : {})
  const others = fields.filter((name) => !['apiVersion', 'kind', 'metadata', 'spec', 'status'].includes(name))
  found.push(...others.map((name) => `${at}/properties${pointerToken(name)}`))
  return found.map((pointer) => ({ pointer, detail: 'means nothing: Crossplane passes over it here' }))
}
