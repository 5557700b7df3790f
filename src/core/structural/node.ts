import { isObject, pointerToken, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../problem.ts'
import { compileChecks, type Check } from './checks.ts'

/**
 * A structural schema (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema)
 * as a tree: what a value is made of stands in the nodes, what is tested beyond that in their checks. Alternatives
 * (`anyOf` and its like) only test, they never bring fields or defaults; so defaulting, pruning and typing walk one tree.
 */
export type Node = {
  /** Where it stands in the schema. */
  readonly pointer: string
  /** Null: a whole number or a string, or anything at all. */
  readonly type: StructuralType | null
  readonly intOrString: boolean
  readonly nullable: boolean
  /** Fields that nobody names stay. */
  readonly preserve: boolean
  /** An object with `apiVersion`, `kind` and `metadata` of its own. */
  readonly embedded: boolean
  readonly properties: ReadonlyMap<string, Node>
  /** What other members are; true: anything; false: there are none. */
  readonly additional: Node | boolean
  readonly items: Node | null
  readonly default: Json | undefined
  readonly format: string | null
  readonly listType: 'atomic' | 'set' | 'map'
  readonly listMapKeys: readonly string[]
  readonly rules: readonly WrittenRule[]
  readonly checks: readonly Check[]
  readonly schema: JsonObject
}

export type StructuralType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'

/** One of `x-kubernetes-validations`. */
export type WrittenRule = {
  readonly pointer: string
  readonly rule: string
  readonly message: string | null
  readonly messageExpression: string | null
  readonly fieldPath: string | null
  readonly optionalOldSelf: boolean
}

/** `ignored`: keywords that the API server passes over as well, for whoever wrote them to know. */
export type Reading = { readonly errors: FieldError[]; readonly ignored: FieldError[]; nodes: number }

const types = new Set<unknown>(['object', 'array', 'string', 'integer', 'number', 'boolean'] satisfies StructuralType[])

/** The API server refuses these, since they would bring fields that nobody can see by walking the schema once. */
const forbidden = ['$ref', 'definitions', 'dependencies', 'patternProperties', 'id', 'additionalItems'] as const

const known = new Set(
  (
    'type properties additionalProperties items default nullable format enum required maximum exclusiveMaximum minimum exclusiveMinimum ' +
    'multipleOf maxLength minLength pattern maxItems minItems uniqueItems maxProperties minProperties allOf anyOf oneOf not title ' +
    'description example externalDocs $schema deprecated readOnly writeOnly x-kubernetes-int-or-string ' +
    'x-kubernetes-preserve-unknown-fields x-kubernetes-embedded-resource x-kubernetes-list-type x-kubernetes-list-map-keys ' +
    'x-kubernetes-map-type x-kubernetes-validations x-kubernetes-group-version-kind'
  ).split(' '),
)

/** More than any published definition has by far (the largest seen has 3,000); a bound for what one body can cost. */
const maxNodes = 20_000

/** Reads a schema; what is wrong with it is added to `reading`, and the node is then not to be used. */
export function readNode(schema: JsonObject, pointer: string, reading: Reading): Node {
  const wrong = (keyword: string, detail: string) => reading.errors.push({ pointer: pointer + pointerToken(keyword), detail })
  if (++reading.nodes === maxNodes) reading.errors.push({ pointer, detail: `has more than ${maxNodes} sub-schemas` })
  const intOrString = schema['x-kubernetes-int-or-string'] === true
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true
  checkKeywords(schema, wrong, reading, pointer)
  const type = readType(schema, intOrString, preserve, wrong)
  const properties = readProperties(schema, pointer, reading)
  const { items, additionalProperties: additional } = schema
  if (isObject(additional) && properties.size > 0) wrong('additionalProperties', 'excludes properties in a structural schema')
  if (type === 'array' && !isObject(items)) wrong('items', 'is required: one schema for all items')
  const keys = schema['x-kubernetes-list-map-keys']
  const { listType, format } = { listType: schema['x-kubernetes-list-type'], format: schema['format'] }
  const bottom = reading.nodes >= maxNodes
  return {
    pointer,
    type,
    intOrString,
    nullable: schema['nullable'] === true,
    preserve,
    embedded: schema['x-kubernetes-embedded-resource'] === true,
    properties,
    additional:
      isObject(additional) && !bottom
        ? readNode(additional as JsonObject, `${pointer}/additionalProperties`, reading)
        : additional === true || preserve,
    items: isObject(items) && !bottom ? readNode(items as JsonObject, `${pointer}/items`, reading) : null,
    // As in Go, null is no default.
    default: schema['default'] ?? undefined,
    format: typeof format === 'string' ? format : null,
    listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
    listMapKeys: Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [],
    rules: readRules(schema['x-kubernetes-validations'], `${pointer}/x-kubernetes-validations`, reading),
    checks: compileChecks(schema, pointer, type, reading.errors),
    schema,
  }
}

function checkKeywords(schema: JsonObject, wrong: (keyword: string, detail: string) => void, reading: Reading, pointer: string): void {
  for (const keyword of Object.keys(schema)) {
    if (forbidden.some((f) => f === keyword)) wrong(keyword, 'is not allowed in a structural schema')
    else if (!known.has(keyword))
      reading.ignored.push({ pointer: pointer + pointerToken(keyword), detail: 'is no keyword, and means nothing' })
  }
  if (schema['uniqueItems'] === true) wrong('uniqueItems', 'is not allowed in a structural schema; x-kubernetes-list-type: set is')
}

function readType(
  schema: JsonObject,
  intOrString: boolean,
  preserve: boolean,
  wrong: (keyword: string, detail: string) => void,
): StructuralType | null {
  const { type } = schema
  if (types.has(type)) {
    if (intOrString) wrong('type', 'must be left out beside x-kubernetes-int-or-string')
    return type as StructuralType // One of the set.
  }
  if (type !== undefined) wrong('type', `must be one of ${[...types].join(', ')}`)
  else if (!intOrString && !preserve) wrong('type', 'is required: a structural schema says the type of every field')
  return null
}

function readProperties(schema: JsonObject, pointer: string, reading: Reading): ReadonlyMap<string, Node> {
  const { properties } = schema
  const nodes = new Map<string, Node>()
  if (properties === undefined) return nodes
  if (!isObject(properties)) {
    reading.errors.push({ pointer: `${pointer}/properties`, detail: 'must be an object' })
    return nodes
  }
  for (const [name, sub] of Object.entries(properties as JsonObject)) {
    const at = `${pointer}/properties${pointerToken(name)}`
    if (reading.nodes >= maxNodes) break
    if (isObject(sub)) nodes.set(name, readNode(sub as JsonObject, at, reading))
    else reading.errors.push({ pointer: at, detail: 'must be a schema' })
  }
  return nodes
}

function readRules(written: Json | undefined, pointer: string, reading: Reading): readonly WrittenRule[] {
  if (written === undefined) return []
  if (!Array.isArray(written)) {
    reading.errors.push({ pointer, detail: 'must be a list' })
    return []
  }
  return written.flatMap((entry: Json, i): readonly WrittenRule[] => {
    const at = `${pointer}/${i}`
    const rule: JsonObject = isObject(entry) ? (entry as JsonObject) : {}
    if (typeof rule['rule'] !== 'string') {
      reading.errors.push({ pointer: `${at}/rule`, detail: 'is required: a CEL expression' })
      return []
    }
    const text = (key: string) => (typeof rule[key] === 'string' && rule[key] !== '' ? rule[key] : null)
    return [
      {
        pointer: at,
        rule: rule['rule'],
        message: text('message'),
        messageExpression: text('messageExpression'),
        fieldPath: text('fieldPath'),
        optionalOldSelf: rule['optionalOldSelf'] === true,
      },
    ]
  })
}
