import type { BlueprintDocument } from './document/blueprint.ts'
import type { Lifecycle } from './document/metadata.ts'
import { expressionEnvironment, type Values } from './expression.ts'
import { isObject, setOwn, type Json, type JsonObject } from './json.ts'
import type { Allow } from './manifest.ts'
import type { ObjectRef } from './plan.ts'
import { compilePrice, type Price } from './price.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'
import { compileParameters, type ParameterSchema } from './schema.ts'
import { parseSemver, type Semver } from './semver.ts'
import { compileTemplate, type Template } from './template.ts'

/** One version of a blueprint. What takes long is compiled at its first use: most versions are history. */
export type Blueprint = {
  readonly name: string
  readonly version: string
  readonly semver: Semver
  readonly lifecycle: Lifecycle
  readonly revision: number
  readonly document: BlueprintDocument
  /** `blueprint` in CEL. */
  readonly card: NonNullable<Values['blueprint']>
  readonly allow: Allow
  /** Pointers of the errors start at the document; they were all reported when it was applied. */
  compiled(): Result<CompiledBlueprint, readonly FieldError[]>
}

export type CompiledBlueprint = {
  readonly parameters: ParameterSchema
  readonly price: Price
  readonly manifests: readonly Template[]
}

export function makeBlueprint(document: BlueprintDocument, revision: number): Blueprint {
  const { metadata, spec } = document
  const { version, lifecycle = 'production', allow } = spec
  const semver = parseSemver(version)
  if (semver === null) throw new Error(`blueprint ${metadata.name} has version ${version}`)
  let compiled: Result<CompiledBlueprint, readonly FieldError[]> | null = null
  return {
    name: metadata.name,
    version,
    semver,
    lifecycle,
    revision,
    document,
    card: { name: metadata.name, version, tags: metadata.tags ?? [], lifecycle },
    allow: { namespaces: allow?.namespaces ?? [], clusterScoped: allow?.clusterScoped ?? [] },
    compiled: () => (compiled ??= compile(document)),
  }
}

/** The compiled parts of a version that was applied, so that it compiles. */
export function partsOf(blueprint: Blueprint): CompiledBlueprint {
  const compiled = blueprint.compiled()
  if (compiled.ok) return compiled.value
  throw new Error(
    `blueprint ${blueprint.name}@${blueprint.version} does not compile: ${compiled.problem.map((e) => `${e.pointer} ${e.detail}`).join('; ')}`,
  )
}

/** `parameters` with what the caller left out: first the environment's defaults, then the schema's. */
export function withDefaults(blueprint: Blueprint, environment: string, parameters: JsonObject): JsonObject {
  return partsOf(blueprint).parameters.withDefaults(withEnvironment(blueprint, environment, parameters))
}

/** With the environment's defaults alone. */
export function withEnvironment(blueprint: Blueprint, environment: string, parameters: JsonObject): JsonObject {
  const own = blueprint.document.spec.environments
  const defaults = own !== undefined && Object.hasOwn(own, environment) ? own[environment]?.defaults : undefined
  return defaults === undefined ? parameters : fillMissing(parameters, defaults)
}

/** Not a merge patch: a null that the caller gave is a value, and stays. */
function fillMissing(given: JsonObject, defaults: JsonObject): JsonObject {
  const filled: Record<string, Json> = { ...given }
  for (const [key, value] of Object.entries(defaults)) {
    const own = Object.hasOwn(given, key) ? given[key] : undefined
    if (own === undefined) setOwn(filled, key, value)
    else if (isObject(own) && isObject(value)) setOwn(filled, key, fillMissing(own as JsonObject, value as JsonObject))
  }
  return filled
}

function compile(document: BlueprintDocument): Result<CompiledBlueprint, readonly FieldError[]> {
  const parameters = compileParameters(document.spec.parameters)
  if (!parameters.ok) return refuse(parameters.problem.map((error) => ({ ...error, pointer: `/spec/parameters${error.pointer}` })))
  const price = compilePrice(document, parameters.value)
  const env = expressionEnvironment('template', parameters.value)
  const manifests = document.spec.manifests.map((manifest, i) => compileTemplate(manifest, env, `/spec/manifests/${i}`))
  const errors = [price, ...manifests].flatMap((part) => (part.ok ? [] : part.problem))
  if (!price.ok || errors.length > 0) return refuse(errors)
  return ok({ parameters: parameters.value, price: price.value, manifests: manifests.flatMap((m) => (m.ok ? [m.value] : [])) })
}

/** What makes two references mean one object; the version of an API does not. */
export function objectKey({ group, kind, namespace, name }: ObjectRef): string {
  return [group, kind, namespace, name].join('/')
}
