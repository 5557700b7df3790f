import { objectKey, partsOf, withDefaults, type Blueprint } from './blueprint.ts'
import { EvaluationError, type Values } from './expression.ts'
import { judgeObject } from './judge-object.ts'
import { isObject, mergePatch, pointerToken, type Json, type JsonObject } from './json.ts'
import { isWritten } from './kind-schema.ts'
import { renderObject, type RenderedObject } from './manifest.ts'
import type { Platform } from './platform.ts'
import type { FieldError } from './problem.ts'
import { refuse, type Result } from './result.ts'
import { sampleParameters } from './sample-parameters.ts'

/** What is wrong with a version of a blueprint by itself, in the environments that there are. Pointers start at the document. */
export function checkBlueprint(platform: Platform, blueprint: Blueprint): readonly FieldError[] {
  const errors = checkManifestHeads(blueprint)
  const compiled = blueprint.compiled()
  if (!compiled.ok) return [...compiled.problem, ...errors.filter((error) => !compiled.problem.some((e) => e.pointer === error.pointer))]
  const samples = sampleParameters(compiled.value.parameters)
  errors.push(...checkEnvironmentDefaults(blueprint, samples.at(-1) ?? {}))
  if (errors.length > 0) return errors
  const all = trials(platform, blueprint, samples)
  return [...tryPrice(blueprint, all), ...tryManifests(platform, blueprint, all)]
}

/** What every object must have, said plainly before anything is rendered. */
function checkManifestHeads({ document }: Blueprint): FieldError[] {
  return document.spec.manifests.flatMap((manifest, i) => {
    const at = `/spec/manifests/${i}`
    const { metadata } = manifest
    const missing = ['apiVersion', 'kind'].filter((field) => typeof manifest[field] !== 'string').map((field) => `${at}/${field}`)
    if (!isObject(metadata) || typeof metadata['name'] !== 'string') missing.push(`${at}/metadata/name`)
    return missing.map((pointer) => ({ pointer, detail: 'is required: text, or an expression that yields text' }))
  })
}

/** Each default must fit the schema; a parameter that is required and that no default gives is the caller's to say. */
function checkEnvironmentDefaults(blueprint: Blueprint, sample: JsonObject): readonly FieldError[] {
  const { parameters } = partsOf(blueprint)
  return Object.entries(blueprint.document.spec.environments ?? {}).flatMap(([environment, { defaults }]) => {
    if (defaults === undefined) return []
    const at = `/spec/environments${pointerToken(environment)}/defaults`
    const merged = mergePatch(sample, defaults)
    const wrong = parameters.validate(parameters.withDefaults(isObject(merged) ? (merged as JsonObject) : {}), at)
    const own = Object.keys(defaults).map((key) => at + pointerToken(key))
    return wrong.filter((error) => own.some((key) => error.pointer === key || error.pointer.startsWith(`${key}/`)))
  })
}

/** One made-up request. `certain`: its environment is a real one, so that a failure is not the fault of made-up values. */
type Trial = { readonly values: Values; readonly environment: string; readonly namespace: string; readonly certain: boolean }

const team = { name: 'example', title: 'Example', costCenter: '', tags: [] }

function trials(platform: Platform, blueprint: Blueprint, samples: readonly JsonObject[]): readonly Trial[] {
  const real = [...platform.environments.values()].map((e) => ({
    name: e.name,
    namespace: e.namespaceFor(team.name),
    values: e.values,
    certain: true,
  }))
  const environments = real.length > 0 ? real : [{ name: 'example', namespace: 'example-example', values: {}, certain: false }]
  return environments.flatMap(({ certain, ...environment }) =>
    samples.flatMap((sample) => {
      const parameters = withDefaults(blueprint, environment.name, sample)
      const values = {
        action: 'create',
        team,
        environment,
        blueprint: blueprint.card,
        resource: { name: 'example' },
        parameters,
        given: parameters,
      }
      return [{ values, environment: environment.name, namespace: environment.namespace, certain }]
    }),
  )
}

/** Wrong only when no trial at all has a price: made-up parameters may be ones that nobody would ask for. */
function tryPrice(blueprint: Blueprint, all: readonly Trial[]): readonly FieldError[] {
  const outcomes = all.map((trial) => partsOf(blueprint).price.quote(trial.values))
  const [first] = outcomes
  if (first === undefined || first.ok || outcomes.some((outcome) => outcome.ok) || !all.every((t) => t.certain)) return []
  return [{ pointer: '/spec/price/monthly', detail: `${first.problem} (tried with ${JSON.stringify(all[0]?.values.parameters)})` }]
}

function tryManifests(platform: Platform, blueprint: Blueprint, all: readonly Trial[]): readonly FieldError[] {
  const rendered = all.map((trial) => partsOf(blueprint).manifests.map((_, index) => renderManifest(platform, blueprint, index, trial)))
  const errors = blueprint.document.spec.manifests.flatMap((_, index) => {
    const outcomes = rendered.map((objects) => objects[index])
    const [first] = outcomes
    return first === undefined || first.ok || outcomes.some((outcome) => outcome?.ok) ? [] : first.problem
  })
  return errors.length > 0 ? errors : findTwins(rendered)
}

function renderManifest(
  platform: Platform,
  blueprint: Blueprint,
  index: number,
  { values, environment, namespace, certain }: Trial,
): Result<RenderedObject, readonly FieldError[]> {
  const at = `/spec/manifests/${index}`
  const template = partsOf(blueprint).manifests[index]
  try {
    const output = template?.render(values) ?? null
    const object = renderObject(output, { team: team.name, environment, namespace, resource: 'example', index, allow: blueprint.allow })
    const errors = object.ok ? judgeWritten(platform, blueprint, index, environment, output, object.value) : object.problem
    return object.ok && errors.length === 0 ? object : refuse(errors.map((error) => ({ ...error, pointer: at + error.pointer })))
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    return refuse(certain ? [{ pointer: at, detail: error.message.replace(`${at}/`, '') }] : [])
  }
}

/**
 * What the API server would not take, as far as the manifest says it by itself: values are made up here, and what is wrong
 * with those is nobody's fault.
 */
function judgeWritten(
  platform: Platform,
  blueprint: Blueprint,
  index: number,
  name: string,
  output: Json,
  { ref }: RenderedObject,
): readonly FieldError[] {
  const written = blueprint.document.spec.manifests[index]
  if (written === undefined) return []
  const { errors } = judgeObject(platform, { name, validation: 'warn' }, output as JsonObject, ref, () => null)
  // A document is JSON, and what was rendered into an object is one.
  return errors
    .filter((error) => isWritten(written as JsonObject, error))
    .map(({ pointer, detail }) => ({ pointer, detail: `${detail} (${ref.kind})` }))
}

/** Two manifests that are one and the same object; found in the first trial that renders whole. */
function findTwins(rendered: readonly (readonly Result<RenderedObject, readonly FieldError[]>[])[]): readonly FieldError[] {
  const whole = rendered.find((objects) => objects.every((object) => object.ok)) ?? []
  const seen = new Map<string, number>()
  return whole.flatMap((object, index): FieldError[] => {
    if (!object.ok) return []
    const { ref } = object.value
    const key = objectKey(ref)
    const twin = seen.get(key)
    if (twin === undefined) seen.set(key, index)
    return twin === undefined
      ? []
      : [{ pointer: `/spec/manifests/${index}`, detail: `renders the same object as manifest ${twin}: ${ref.kind} ${ref.name}` }]
  })
}
