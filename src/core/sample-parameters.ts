import { isObject, setOwn, type Json, type JsonObject } from './json.ts'
import { resolved } from './parameter-schema.ts'
import { compilePattern } from './re2.ts'
import type { ParameterSchema } from './schema.ts'

/** Texts that the patterns of real schemas tend to let through. */
const texts = [
  'example',
  'example.com',
  'a',
  '1',
  'https://example.com/',
  '10.0.0.0/8',
  'registry.example.com/example:1.0.0',
  '1.0.0',
  'a@example.com',
  'A',
  '1Gi',
  '08:00',
]

/**
 * Parameters made up from a schema, to try templates and prices on when a blueprint is applied: as few as possible, and as
 * many. What does not fit after all (a pattern that none of the texts matches, an alternative) is left out, so there may
 * be none.
 */
export function sampleParameters(parameters: ParameterSchema): readonly JsonObject[] {
  const samples = [false, true].map((full) => {
    const value = sample(parameters.schema, parameters.schema, full)
    return parameters.withDefaults(isObject(value) ? (value as JsonObject) : {})
  })
  return samples.filter((value) => parameters.validate(value, '').length === 0)
}

function sample(root: JsonObject, written: JsonObject, full: boolean): Json {
  const schema = resolved(root, written)
  const { const: constant, default: preset, examples, enum: choices } = schema
  if (constant !== undefined) return constant
  if (preset !== undefined) return preset
  for (const list of [examples, choices]) if (Array.isArray(list) && list.length > 0) return list[full ? list.length - 1 : 0] as Json
  const type = Array.isArray(schema['type']) ? schema['type'].find((t) => t !== 'null') : schema['type']
  switch (type) {
    case 'integer':
    case 'number':
      return sampleNumber(schema, full)
    case 'boolean':
      return full
    case 'string':
      return sampleText(schema)
    case 'array': {
      const { items, minItems = 0 } = schema
      const count = Math.max(Number(minItems), full ? 1 : 0)
      return isObject(items) ? Array.from({ length: count }, () => sample(root, items as JsonObject, full)) : []
    }
    case 'object':
      return sampleObject(root, schema, full)
    default:
      return null
  }
}

function sampleObject(root: JsonObject, schema: JsonObject, full: boolean): JsonObject {
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const value: Record<string, Json> = {}
  for (const [name, sub] of Object.entries(isObject(schema['properties']) ? (schema['properties'] as JsonObject) : {})) {
    if (isObject(sub) && (full || required.includes(name))) setOwn(value, name, sample(root, sub as JsonObject, full))
  }
  return value
}

/** The smallest or largest that is not astronomical; the bounds that every whole number gets are. */
function sampleNumber({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: JsonObject, full: boolean): number {
  const step = typeof multipleOf === 'number' ? multipleOf : 1
  const low = typeof minimum === 'number' ? minimum : typeof exclusiveMinimum === 'number' ? exclusiveMinimum + step : 0
  const high = typeof maximum === 'number' ? maximum : typeof exclusiveMaximum === 'number' ? exclusiveMaximum - step : 100
  const wanted = full ? Math.min(high, Math.max(low, 100)) : Math.max(low, Math.min(1, high))
  return full ? Math.floor(wanted / step) * step : Math.ceil(wanted / step) * step
}

function sampleText({ pattern, minLength = 0, maxLength = 1_000 }: JsonObject): string {
  const fits = typeof pattern === 'string' ? compilePattern(pattern) : null
  const padded = texts.map((text) => text.padEnd(Number(minLength), 'x').slice(0, Number(maxLength)))
  return padded.find((text) => fits === null || (fits.ok && fits.value.test(text))) ?? ''
}
