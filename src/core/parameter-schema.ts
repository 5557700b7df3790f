import { isObject, pointerToken, setOwn, type Json, type JsonObject } from './json.ts'
import type { FieldError } from './problem.ts'
import { compilePattern } from './re2.ts'
import { ok, refuse, type Result } from './result.ts'
import { closest } from './schema-wording.ts'

/**
 * What a blueprint's parameter schema may say, and what is added where it does not say: objects are closed, lists and
 * whole numbers bounded. So a typo in a parameter is an error, the cost of an expression over parameters is bounded, and
 * every whole number fits CEL's int and JSON alike.
 */

/** Where the sub-schemas of a keyword describe a member of the value (and get the additions above) or only test it. */
const memberKeywords = {
  one: ['items', 'additionalProperties'],
  list: ['prefixItems'],
  map: ['properties', 'patternProperties', '$defs'],
} as const
const testKeywords = {
  one: ['contains', 'not', 'if', 'then', 'else', 'propertyNames', 'unevaluatedProperties', 'unevaluatedItems'],
  list: ['allOf', 'anyOf', 'oneOf'],
  map: ['dependentSchemas'],
} as const
const plainKeywords = [
  'type',
  'enum',
  'const',
  'multipleOf',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'maxContains',
  'minContains',
  'maxProperties',
  'minProperties',
  'required',
  'dependentRequired',
  '$ref',
  '$comment',
  'title',
  'description',
  'default',
  'deprecated',
  'readOnly',
  'writeOnly',
  'examples',
  '$schema',
]
const keywords = new Set<string>([...plainKeywords, ...[memberKeywords, testKeywords].flatMap((k) => [...k.one, ...k.list, ...k.map])])

const defaultMaxItems = 100
/** Expressions loop over lists, two levels deep at most. */
const largestMaxItems = 1_000
const maxSchemaBytes = 64 * 1024
/** With every `$ref` followed: definitions that use definitions twice each would double without end. */
const maxSchemaNodes = 5_000

type Walk = { readonly root: JsonObject; readonly errors: FieldError[]; nodes: number; readonly refs: Set<string> }

/** The schema in force, or what is wrong with it; not yet held against the meta-schema. */
export function tightenSchema(schema: JsonObject): Result<JsonObject, readonly FieldError[]> {
  if (JSON.stringify(schema).length > maxSchemaBytes) return refuse([{ pointer: '', detail: 'is larger than 64 KiB' }])
  if (schema['type'] !== 'object') return refuse([{ pointer: '/type', detail: 'must be object' }])
  const walk: Walk = { root: schema, errors: [], nodes: 0, refs: new Set() }
  const { $schema, ...tightened } = tighten(schema, '', true, walk)
  if ($schema !== undefined && $schema !== 'https://json-schema.org/draft/2020-12/schema') {
    walk.errors.push({ pointer: '/$schema', detail: 'must be https://json-schema.org/draft/2020-12/schema, or left out' })
  }
  if (walk.errors.length > 0) return refuse(walk.errors)
  const closed =
    'unevaluatedProperties' in tightened || 'additionalProperties' in tightened ? tightened : { ...tightened, additionalProperties: false }
  return ok(closed)
}

function tighten(schema: JsonObject, pointer: string, member: boolean, walk: Walk): JsonObject {
  if (++walk.nodes > maxSchemaNodes) {
    if (walk.nodes === maxSchemaNodes + 1)
      walk.errors.push({ pointer, detail: `has more than ${maxSchemaNodes} sub-schemas, definitions counted at each use` })
    return schema
  }
  checkNode(schema, pointer, member, walk)
  const result: Record<string, Json> = { ...schema }
  for (const [of, isMember] of [
    [memberKeywords, member],
    [testKeywords, false],
  ] as const) {
    for (const keyword of of.one)
      descend(schema[keyword], `${pointer}/${keyword}`, isMember, walk, (s) => {
        result[keyword] = s
      })
    for (const keyword of of.list) {
      const list = schema[keyword]
      if (Array.isArray(list))
        result[keyword] = list.map((s, i) => (isObject(s) ? tighten(s as JsonObject, `${pointer}/${keyword}/${i}`, isMember, walk) : s))
    }
    for (const keyword of of.map) {
      const map = schema[keyword]
      if (!isObject(map)) continue
      const copy: Record<string, Json> = {}
      for (const [name, s] of Object.entries(map as JsonObject)) {
        setOwn(copy, name, s)
        descend(s, `${pointer}/${keyword}${pointerToken(name)}`, isMember || keyword === '$defs', walk, (t) => setOwn(copy, name, t))
      }
      result[keyword] = copy
    }
  }
  return addBounds(result, member)
}

function descend(schema: Json | undefined, pointer: string, member: boolean, walk: Walk, put: (s: JsonObject) => void): void {
  if (isObject(schema)) put(tighten(schema as JsonObject, pointer, member, walk))
}

function addBounds(schema: Record<string, Json>, member: boolean): JsonObject {
  const closed = 'additionalProperties' in schema || 'unevaluatedProperties' in schema
  if (member && isObject(schema['properties']) && !closed) schema['additionalProperties'] = false
  if (hasType(schema, 'array') && schema['maxItems'] === undefined) schema['maxItems'] = defaultMaxItems
  if (schema['type'] === 'integer') {
    const { maximum, minimum } = schema
    if (typeof maximum !== 'number' || maximum > Number.MAX_SAFE_INTEGER) schema['maximum'] = Number.MAX_SAFE_INTEGER
    if (typeof minimum !== 'number' || minimum < Number.MIN_SAFE_INTEGER) schema['minimum'] = Number.MIN_SAFE_INTEGER
  }
  return schema
}

function hasType(schema: JsonObject, type: string): boolean {
  return schema['type'] === type || (Array.isArray(schema['type']) && schema['type'].includes(type))
}

function checkNode(schema: JsonObject, pointer: string, member: boolean, walk: Walk): void {
  const wrong = (keyword: string, detail: string) => walk.errors.push({ pointer: pointer + pointerToken(keyword), detail })
  for (const keyword of Object.keys(schema)) {
    if (keywords.has(keyword) && (keyword !== '$schema' || pointer === '')) continue
    if (keyword === 'format') wrong(keyword, 'is not checked by Purser; write a pattern instead')
    else wrong(keyword, `is not a keyword for parameters${suggestion(keyword)}`)
  }
  const { maxItems, pattern, required, properties, $ref } = schema
  if (typeof maxItems === 'number' && maxItems > largestMaxItems) wrong('maxItems', `must be at most ${largestMaxItems}`)
  if (!member && schema['default'] !== undefined)
    wrong('default', 'is never filled in here: a default belongs to a property, not to an alternative or a condition')
  checkPattern(pattern, (detail) => wrong('pattern', detail))
  if (isObject(schema['patternProperties'])) {
    for (const source of Object.keys(schema['patternProperties']))
      checkPattern(source, (detail) => wrong('patternProperties', `${source} ${detail}`))
  }
  const open = 'additionalProperties' in schema && schema['additionalProperties'] !== false
  if (member && isObject(properties) && Array.isArray(required) && !open && schema['patternProperties'] === undefined) {
    required.forEach((name, i) => {
      if (typeof name === 'string' && !Object.hasOwn(properties, name)) wrong('required', `names ${name}, which is no property (item ${i})`)
    })
  }
  if ($ref !== undefined) checkReference($ref, (detail) => wrong('$ref', detail), walk)
}

function suggestion(keyword: string): string {
  const near = closest(keyword, [...keywords])
  return near === null ? '' : `; did you mean ${near}?`
}

function checkPattern(source: Json | undefined, wrong: (detail: string) => void): void {
  if (typeof source !== 'string') return
  const pattern = compilePattern(source)
  if (!pattern.ok) wrong(pattern.problem)
}

/** Follows the reference too, so that cycles and explosions are found; a cycle has no bound on its cost. */
function checkReference($ref: Json, wrong: (detail: string) => void, walk: Walk): void {
  const target = typeof $ref === 'string' ? definition(walk.root, $ref) : null
  if (typeof $ref !== 'string' || target === null) {
    wrong('must be #/$defs/<name> of this schema')
  } else if (walk.refs.has($ref)) {
    wrong('makes a circle: parameters have a bounded depth')
  } else {
    walk.refs.add($ref)
    const errors: FieldError[] = []
    const inner: Walk = { root: walk.root, errors, nodes: walk.nodes, refs: walk.refs }
    tighten(target, '', true, inner)
    walk.nodes = inner.nodes
    walk.refs.delete($ref)
    // What is wrong inside a definition is reported where it is defined; only circles and size depend on the way there.
    const circle = errors.find((e) => e.detail.startsWith('makes a circle') || e.detail.startsWith('has more than'))
    if (circle !== undefined) wrong(circle.detail)
  }
}

/** The schema that `#/$defs/<name>` means, or null. */
export function definition(root: JsonObject, $ref: string): JsonObject | null {
  const name = /^#\/\$defs\/([^/%]+)$/.exec($ref)?.[1]?.replaceAll('~1', '/').replaceAll('~0', '~')
  const defs = root['$defs']
  if (name === undefined || !isObject(defs) || !Object.hasOwn(defs, name)) return null
  const found = defs[name]
  return isObject(found) ? (found as JsonObject) : null
}

/** A schema whose `$ref` is replaced by what it means; its own keywords win. */
export function resolved(root: JsonObject, schema: JsonObject): JsonObject {
  let result = schema
  while (typeof result['$ref'] === 'string') {
    const { $ref, ...own } = result
    result = { ...definition(root, $ref as string), ...own }
  }
  return result
}

/** A new value with the defaults of a tightened schema, in the schema's order; members that it does not name follow. */
export function fillDefaults(root: JsonObject, value: JsonObject): JsonObject {
  return fill(root, root, value) as JsonObject
}

function fill(root: JsonObject, written: JsonObject, value: Json): Json {
  const schema = resolved(root, written)
  if (Array.isArray(value)) {
    const first: readonly Json[] = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : []
    return value.map((item: Json, i) => fillWith(root, first[i] ?? schema['items'], item))
  }
  if (!isObject(value)) return value
  const given = value as JsonObject
  const result: Record<string, Json> = {}
  const properties = isObject(schema['properties']) ? (schema['properties'] as JsonObject) : {}
  for (const [name, sub] of Object.entries(properties)) {
    const member = Object.hasOwn(given, name) ? given[name] : isObject(sub) ? resolved(root, sub as JsonObject)['default'] : undefined
    if (member !== undefined) setOwn(result, name, fillWith(root, sub, member))
  }
  for (const [name, member] of Object.entries(given)) {
    if (!Object.hasOwn(properties, name)) setOwn(result, name, fillWith(root, matching(schema, name), member))
  }
  return result
}

function fillWith(root: JsonObject, schema: Json | undefined, value: Json): Json {
  return isObject(schema) ? fill(root, schema as JsonObject, value) : value
}

/** The schema of a member that `properties` does not name. */
function matching(schema: JsonObject, name: string): Json | undefined {
  const patterns = isObject(schema['patternProperties']) ? (schema['patternProperties'] as JsonObject) : {}
  for (const [source, sub] of Object.entries(patterns)) {
    const pattern = compilePattern(source)
    if (pattern.ok && pattern.value.test(name)) return sub
  }
  return schema['additionalProperties']
}

/** Every default with the schema that it must fit, itself filled in. */
export function findDefaults(
  root: JsonObject,
): readonly { readonly pointer: string; readonly subschema: JsonObject; readonly value: Json }[] {
  const found: { pointer: string; subschema: JsonObject; value: Json }[] = []
  const visit = (schema: Json | undefined, pointer: string): void => {
    if (!isObject(schema)) return
    const node = schema as JsonObject
    if (node['default'] !== undefined)
      found.push({ pointer: `${pointer}/default`, subschema: node, value: fill(root, node, node['default']) })
    for (const keyword of memberKeywords.one) visit(node[keyword], `${pointer}/${keyword}`)
    for (const keyword of memberKeywords.list)
      if (Array.isArray(node[keyword])) node[keyword].forEach((sub: Json, i: number) => visit(sub, `${pointer}/${keyword}/${i}`))
    for (const keyword of memberKeywords.map) {
      for (const [name, sub] of Object.entries(isObject(node[keyword]) ? (node[keyword] as JsonObject) : {}))
        visit(sub, `${pointer}/${keyword}${pointerToken(name)}`)
    }
  }
  visit(root, '')
  return found
}
