import { isObject, nodesUpTo, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { ok, refuse, type Result } from '../result.ts'
import type { ParameterSchema } from '../schema.ts'
import type { Node } from './node.ts'
import { compileStructural } from './structural.ts'

/**
 * A blueprint's parameter schema in Kubernetes' dialect, as an import writes it. Its keywords say so: with any
 * `x-kubernetes-…` in it, a schema means what it means to the API server, in all of its parts.
 */

/** Schemas of published definitions are ten times as long as what people write; most of it is descriptions. */
const maxSchemaBytes = 512 * 1024

/**
 * Values that parameters may have, their defaults filled in: defaults multiply what was asked for, and rules may compare every item with
 * every other. Those of published examples have some hundred.
 */
const maxValues = 10_000
const isTooMuch = (value: Json) => nodesUpTo(value, maxValues + 1) > maxValues

const innerOne = ['items', 'additionalProperties', 'not']
const innerList = ['allOf', 'anyOf', 'oneOf']
const innerMap = ['properties', 'patternProperties', '$defs']

export function isKubernetesDialect(schema: JsonObject, depth = 0): boolean {
  if (depth > 64) return false
  if (Object.keys(schema).some((keyword) => keyword.startsWith('x-kubernetes-'))) return true
  const inner = (value: unknown) => isObject(value) && isKubernetesDialect(value as JsonObject, depth + 1)
  return (
    innerOne.some((keyword) => inner(schema[keyword])) ||
    innerList.some((keyword) => Array.isArray(schema[keyword]) && schema[keyword].some(inner)) ||
    innerMap.some((keyword) => isObject(schema[keyword]) && Object.values(schema[keyword]).some(inner))
  )
}

/** Pointers of errors start at the schema itself. */
export function compileKubernetesParameters(written: JsonObject): Result<ParameterSchema, readonly FieldError[]> {
  if (JSON.stringify(written).length > maxSchemaBytes) return refuse([{ pointer: '', detail: 'is larger than 512 KiB' }])
  if (written['type'] !== 'object') return refuse([{ pointer: '/type', detail: 'must be object' }])
  const compiled = compileStructural(written)
  if (!compiled.ok) return compiled
  const structural = compiled.value
  const { default: preset } = structural.root
  return ok({
    schema: jsonSchemaOf(structural.root),
    withDefaults: (value) => {
      // Left as it is, for `validate` to refuse.
      if (isTooMuch(value)) return value
      // Nothing asked for is the same as no parameters at all, and these may have a default as a whole.
      const asked = preset !== undefined && Object.keys(value).length === 0 ? preset : value
      return structural.applyDefaults(asked) as JsonObject // The root is an object, and so is its default.
    },
    validate: (value, pointer, previous) => {
      if (isTooMuch(value)) return [{ pointer, detail: `has more than ${maxValues} values` }]
      const unknown = structural.unknownFields(value, pointer)
      const wrong = structural.validate(value, previous, pointer)
      return unknown.length === 0 ? wrong : [...unknown, ...wrong]
    },
  })
}

const copied = [
  'title',
  'description',
  'default',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'multipleOf',
  'required',
]

/** The same in JSON Schema, for who types expressions and makes up samples; what only tests several fields at once is left out. */
function jsonSchemaOf(node: Node): JsonObject {
  const { schema, properties, additional, items } = node
  const result: Record<string, Json> = {}
  const types = node.intOrString ? ['integer', 'string'] : node.type === null ? [] : [node.type]
  const all = node.nullable && types.length > 0 ? [...types, 'null'] : types
  const [only] = all
  if (all.length === 1 && only !== undefined) result['type'] = only
  else if (all.length > 1) result['type'] = all
  for (const keyword of copied) {
    const said = schema[keyword]
    if (said !== undefined && said !== null) result[keyword] = said
  }
  for (const [bound, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    if (schema[bound] !== undefined) result[schema[exclusive] === true ? exclusive : bound] = schema[bound]
  }
  if (items !== null) result['items'] = jsonSchemaOf(items)
  if (node.type === 'object' || properties.size > 0) {
    result['properties'] = Object.fromEntries([...properties].map(([name, field]) => [name, jsonSchemaOf(field)]))
    result['additionalProperties'] = typeof additional === 'boolean' ? additional : jsonSchemaOf(additional)
  }
  return result
}
