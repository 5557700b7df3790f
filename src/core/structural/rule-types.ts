import { Duration } from '@marcbachmann/cel-js/evaluator'
import { EvaluationError } from '../expression/evaluation-error.ts'
import { timestampOfText } from '../expression/time.ts'
import { toCel } from '../expression/values.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { parseDuration } from './formats.ts'
import type { Node } from './node.ts'

/**
 * What `self` is in a rule, and a value as CEL sees it. Names that CEL could not say are escaped as Kubernetes does, null in
 * a field counts as absent, and fields that the schema does not name are not there
 * (https://kubernetes.io/docs/reference/using-api/cel/#type-integration-with-kubernetes).
 */
export type RuleType =
  | { readonly kind: 'scalar'; readonly cel: string }
  | { readonly kind: 'list'; readonly cel: string; readonly items: RuleType }
  | { readonly kind: 'map'; readonly cel: string; readonly values: RuleType }
  | {
      readonly kind: 'object'
      readonly cel: string
      /** cel-js tells types by constructor. */
      readonly make: new () => Map<string, unknown>
      readonly fields: ReadonlyMap<string, { readonly name: string; readonly type: RuleType }>
    }

const dyn: RuleType = { kind: 'scalar', cel: 'dyn' }
const string: RuleType = { kind: 'scalar', cel: 'string' }

export function ruleTypeOf(node: Node, name: string, taken: Set<string>): RuleType {
  switch (node.intOrString ? null : node.type) {
    case 'integer':
      return { kind: 'scalar', cel: 'int' }
    case 'number':
      return { kind: 'scalar', cel: 'double' }
    case 'boolean':
      return { kind: 'scalar', cel: 'bool' }
    case 'string':
      return { kind: 'scalar', cel: textTypes[node.format ?? ''] ?? 'string' }
    case 'array': {
      const items = node.items === null ? dyn : ruleTypeOf(node.items, `${name}.items`, taken)
      return { kind: 'list', cel: `list<${items.cel}>`, items }
    }
    case 'object':
      return objectTypeOf(node, name, taken)
    case null:
      return node.properties.size > 0 ? objectTypeOf(node, name, taken) : dyn
  }
}

const textTypes: { readonly [format: string]: string } = {
  date: 'google.protobuf.Timestamp',
  'date-time': 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  byte: 'bytes',
}

function objectTypeOf(node: Node, name: string, taken: Set<string>): RuleType {
  const { additional } = node
  if (node.properties.size === 0 && !node.embedded) {
    const values = typeof additional === 'boolean' ? dyn : ruleTypeOf(additional, `${name}.values`, taken)
    return { kind: 'map', cel: `map<string, ${values.cel}>`, values }
  }
  const cel = uniqueName(name, taken)
  const fields = new Map<string, { name: string; type: RuleType }>()
  if (node.embedded) {
    const metadata = { name: string, generateName: string }
    for (const field of ['apiVersion', 'kind']) fields.set(field, { name: field, type: string })
    fields.set('metadata', { name: 'metadata', type: plainObject(uniqueName(`${name}.metadata`, taken), metadata) })
  }
  for (const [field, sub] of node.properties) {
    const escaped = escapeName(field)
    if (escaped === null || (node.embedded && field === 'metadata')) continue
    fields.set(field, { name: escaped, type: ruleTypeOf(sub, `${name}.${field.replace(/\W/g, '_')}`, taken) })
  }
  return { kind: 'object', cel, make: class extends Map<string, unknown> {}, fields }
}

function plainObject(cel: string, fields: { readonly [name: string]: RuleType }): RuleType {
  const named = Object.entries(fields).map(([name, type]) => [name, { name, type }] as const)
  return { kind: 'object', cel, make: class extends Map<string, unknown> {}, fields: new Map(named) }
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name
  for (let n = 2; taken.has(unique); n++) unique = `${name}_${n}`
  taken.add(unique)
  return unique
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return'.split(' '),
)

/** A field's name in CEL; null: CEL cannot say it. */
function escapeName(name: string): string | null {
  if (reserved.has(name)) return `__${name}__`
  if (!/^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/.test(name)) return null
  return name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__')
}

/** JSON → what a rule computes with. */
export function toRuleValue(value: Json, type: RuleType): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'list':
      if (!Array.isArray(value)) throw new EvaluationError('there is no list where the schema has one')
      return value.map((item: Json) => toRuleValue(item, type.items))
    case 'map':
    case 'object': {
      if (!isObject(value)) throw new EvaluationError('there is no object where the schema has one')
      return type.kind === 'map' ? mapValue(value as JsonObject, type.values) : objectValue(value as JsonObject, type)
    }
    case 'scalar':
      return scalarValue(value, type.cel)
  }
}

function mapValue(value: JsonObject, values: RuleType): Map<string, unknown> {
  return new Map(Object.entries(value).map(([key, member]) => [key, toRuleValue(member, values)]))
}

function objectValue(value: JsonObject, type: Extract<RuleType, { kind: 'object' }>): Map<string, unknown> {
  const map = new type.make()
  for (const [field, { name, type: of }] of type.fields) {
    const member = Object.hasOwn(value, field) ? value[field] : undefined
    if (member !== undefined && member !== null) map.set(name, toRuleValue(member, of))
  }
  return map
}

function scalarValue(value: Json, cel: string): unknown {
  if (typeof value === 'string') {
    if (cel === 'google.protobuf.Timestamp') return timestampOfText(value.includes('T') ? value : `${value}T00:00:00Z`)
    if (cel === 'bytes') return new Uint8Array(Buffer.from(value, 'base64'))
    if (cel === 'google.protobuf.Duration') return durationOf(value)
    return value
  }
  return toCel(value, { kind: 'scalar', cel: cel === 'int' || cel === 'double' ? cel : 'dyn' })
}

function durationOf(text: string): Duration {
  const seconds = parseDuration(text)
  if (seconds === null) throw new EvaluationError(`${JSON.stringify(text.slice(0, 40))} is no duration`)
  const whole = Math.trunc(seconds)
  return new Duration(BigInt(whole), Math.round((seconds - whole) * 1e9))
}
