import { isObject, type Json, type JsonObject } from '../json.ts'
import type { Definition, Names, Scope } from './definition.ts'

/**
 * The CustomResourceDefinition that Crossplane makes of a definition: what the API server really judges by. Of the written
 * schema Crossplane takes over a few places only, and adds fields of its own, which win over written ones of the same name.
 */

/** Whose kind: `claim` where there are claims. */
export type Which = 'claim' | 'composite'

const text: JsonObject = { type: 'string' }

function object(properties: JsonObject, required: readonly string[] = []): JsonObject {
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}) }
}

const named = object({ name: text }, ['name'])
const selector = object({ matchLabels: { type: 'object', additionalProperties: text } }, ['matchLabels'])
const composition: JsonObject = {
  compositionRef: named,
  compositionSelector: selector,
  compositionRevisionRef: named,
  compositionRevisionSelector: selector,
}

function updatePolicy(preset: Json | undefined): JsonObject {
  return { type: 'string', enum: ['Automatic', 'Manual'], ...(preset === undefined ? {} : { default: preset }) }
}

function resourceRefs(withNamespace: boolean): JsonObject {
  const fields = { apiVersion: text, kind: text, name: text, ...(withNamespace ? { namespace: text } : {}) }
  return { type: 'array', items: object(fields, ['apiVersion', 'kind']), 'x-kubernetes-list-type': 'atomic' }
}

/** The fields of `spec` that are Crossplane's business and nobody's parameter. */
export function machineryOf({ scope, ...definition }: Definition, which: Which): JsonObject {
  const preset = definition.defaultCompositionUpdatePolicy ?? 'Automatic'
  if (which === 'claim') {
    return {
      ...composition,
      compositionUpdatePolicy: updatePolicy(undefined),
      compositeDeletePolicy: {
        type: 'string',
        enum: ['Background', 'Foreground'],
        default: definition.defaultCompositeDeletePolicy ?? 'Background',
      },
      resourceRef: object({ apiVersion: text, kind: text, name: text }, ['apiVersion', 'kind', 'name']),
      writeConnectionSecretToRef: named,
    }
  }
  if (scope === 'LegacyCluster') {
    const who = ['apiVersion', 'kind', 'namespace', 'name']
    return {
      ...composition,
      compositionUpdatePolicy: updatePolicy(preset),
      resourceRefs: resourceRefs(true),
      claimRef: object({ apiVersion: text, kind: text, namespace: text, name: text }, who),
      writeConnectionSecretToRef: object({ name: text, namespace: text }, ['name', 'namespace']),
    }
  }
  const fields = { ...composition, compositionUpdatePolicy: updatePolicy(preset), resourceRefs: resourceRefs(scope === 'Cluster') }
  return { crossplane: { ...object(fields), description: 'Configures how Crossplane will reconcile this composite resource' } }
}

const time = { type: 'string', format: 'date-time' }
const conditions: JsonObject = {
  type: 'array',
  description: 'Conditions of the resource.',
  items: object(
    {
      lastTransitionTime: time,
      message: text,
      observedGeneration: { type: 'integer', format: 'int64' },
      reason: text,
      status: text,
      type: text,
    },
    ['lastTransitionTime', 'reason', 'status', 'type'],
  ),
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
}

function statusMachinery(scope: Scope): JsonObject {
  if (scope !== 'LegacyCluster') return { conditions }
  return {
    conditions,
    claimConditionTypes: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    connectionDetails: object({ lastPublishedTime: time }),
  }
}

/** What Crossplane takes over from the written `spec` and `status`. All else that stands directly there means nothing. */
export const specKeywords = [
  'required',
  'oneOf',
  'x-kubernetes-validations',
  'x-kubernetes-preserve-unknown-fields',
  'description',
] as const
const statusKeywords = ['required', 'oneOf', 'x-kubernetes-validations', 'description'] as const
const rootKeywords = ['description', 'x-kubernetes-validations'] as const

function pick(schema: JsonObject, keywords: readonly string[]): JsonObject {
  return Object.fromEntries(keywords.flatMap((keyword) => (schema[keyword] === undefined ? [] : [[keyword, schema[keyword]]])))
}

/** A member of a schema's `properties`, or an empty schema. */
export function propertyOf(schema: JsonObject, name: string): JsonObject {
  const properties = schema['properties']
  const found = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
  return isObject(found) ? (found as JsonObject) : {}
}

function propertiesOf(schema: JsonObject): JsonObject {
  return isObject(schema['properties']) ? (schema['properties'] as JsonObject) : {}
}

/** The longest name that labels can hold, which Crossplane puts it into. */
const maxName = 63

/** The schema of one version's objects. */
export function generatedSchema(definition: Definition, which: Which, version: number): JsonObject {
  const written = definition.versions[version]?.schema ?? {}
  const [spec, status] = [propertyOf(written, 'spec'), propertyOf(written, 'status')]
  const limit = propertyOf(propertyOf(written, 'metadata'), 'name')['maxLength']
  const nameSchema = { ...text, maxLength: typeof limit === 'number' ? Math.min(limit, maxName) : maxName }
  return {
    ...object(
      {
        apiVersion: text,
        kind: text,
        metadata: object({ name: nameSchema }),
        spec: { ...pick(spec, specKeywords), ...object({ ...propertiesOf(spec), ...machineryOf(definition, which) }, requiredOf(spec)) },
        status: {
          ...pick(status, statusKeywords),
          ...object({ ...propertiesOf(status), ...statusMachinery(definition.scope) }, requiredOf(status)),
        },
      },
      ['spec'],
    ),
    ...pick(written, rootKeywords),
  }
}

export function requiredOf(schema: JsonObject): readonly string[] {
  const { required } = schema
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []
}

/** The whole CustomResourceDefinition, as far as a schema store needs it. */
export function generateCrd(definition: Definition, which: Which): JsonObject {
  const names: Names = which === 'claim' && definition.claimNames !== null ? definition.claimNames : definition.names
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${definition.group}` },
    spec: {
      group: definition.group,
      names: { kind: names.kind, listKind: `${names.kind}List`, plural: names.plural, singular: names.singular },
      scope: which === 'claim' || definition.scope === 'Namespaced' ? 'Namespaced' : 'Cluster',
      versions: definition.versions.map(({ name, served }, i) => ({
        name,
        served,
        storage: i === definition.referenceable,
        schema: { openAPIV3Schema: generatedSchema(definition, which, i) },
      })),
    },
  }
}
