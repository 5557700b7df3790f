import { canonicalize, isObject, pointerToken, type Json, type JsonObject } from '../json.ts'

/** `before` or `after` is null where there is nothing. Breaking: what was asked for before may be refused, or be another thing. */
export type Difference = { readonly pointer: string; readonly before: Json; readonly after: Json; readonly breaking: boolean }

/** What changed in a parameter schema, each at its keyword. Pointers begin with `pointer`. */
export function diffSchemas(before: JsonObject, after: JsonObject, pointer: string): readonly Difference[] {
  const found: Difference[] = []
  compare(before, after, pointer, found)
  return found
}

function compare(before: JsonObject, after: JsonObject, pointer: string, found: Difference[]): void {
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)])
  for (const keyword of keywords) {
    const [was, is] = [before[keyword], after[keyword]]
    const at = pointer + pointerToken(keyword)
    if (was !== undefined && is !== undefined && canonicalize(was) === canonicalize(is)) continue
    if (keyword === 'properties') compareProperties(asObject(was), asObject(is), after, at, found)
    else if ((keyword === 'items' || keyword === 'additionalProperties') && isObject(was) && isObject(is))
      compare(was as JsonObject, is as JsonObject, at, found)
    else found.push({ pointer: at, before: was ?? null, after: is ?? null, breaking: isBreaking(keyword, was, is, before, after) })
  }
}

function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? (value as JsonObject) : {}
}

function compareProperties(before: JsonObject, after: JsonObject, owner: JsonObject, pointer: string, found: Difference[]): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[name], after[name]]
    const at = pointer + pointerToken(name)
    if (isObject(was) && isObject(is)) compare(was as JsonObject, is as JsonObject, at, found)
    else if (is === undefined) found.push({ pointer: at, before: was ?? null, after: null, breaking: true })
    else found.push({ pointer: at, before: was ?? null, after: is, breaking: mustBeGiven(owner, name, is) })
  }
}

function mustBeGiven(owner: JsonObject, name: string, schema: Json | undefined): boolean {
  const { required } = owner
  return Array.isArray(required) && required.includes(name) && asObject(schema)['default'] === undefined
}

/** Words about a value; and the kind that it is of, which the manifests say. */
const words = new Set([
  'description',
  'title',
  'example',
  'externalDocs',
  '$comment',
  'x-kubernetes-group-version-kind',
  'x-kubernetes-map-type',
])
const lowerBounds = new Set(['minimum', 'minLength', 'minItems', 'minProperties'])
const upperBounds = new Set(['maximum', 'maxLength', 'maxItems', 'maxProperties'])

/** A keyword that nobody here knows is taken to break something: a version too many costs less than one too few. */
function isBreaking(keyword: string, was: Json | undefined, is: Json | undefined, before: JsonObject, after: JsonObject): boolean {
  if (words.has(keyword)) return false
  if (lowerBounds.has(keyword)) return is !== undefined && (was === undefined || Number(is) > Number(was))
  if (upperBounds.has(keyword)) return is !== undefined && (was === undefined || Number(is) < Number(was))
  switch (keyword) {
    case 'required':
      return listOf(is).some(
        (name) => typeof name === 'string' && !listOf(was).includes(name) && mustBeGiven(after, name, asObject(after['properties'])[name]),
      )
    case 'enum':
      return is !== undefined && (was === undefined || !isSubset(was, is))
    case 'default':
      // Another default is for those who ask from now on; what lives has its own value.
      return is === undefined
    case 'nullable':
    case 'x-kubernetes-preserve-unknown-fields':
      return is !== true
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return is !== undefined && is !== false
    case 'additionalProperties':
      return was !== undefined && was !== false && is !== true
    case 'x-kubernetes-validations':
      return !isSubset(rulesOf(is), rulesOf(was))
    case 'allOf':
      return is !== undefined && !isSubset(is, was)
    case 'anyOf':
      return is !== undefined && (was === undefined || !isSubset(was, is))
    case 'pattern':
    case 'format':
    case 'multipleOf':
    case 'oneOf':
    case 'not':
      return is !== undefined
    case 'type':
      return !(before['type'] === 'integer' && is === 'number')
    default:
      return true
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

/** Rules by what they demand; their messages may change. */
function rulesOf(value: Json | undefined): readonly Json[] {
  return listOf(value).map((entry) => (isObject(entry) ? ((entry as JsonObject)['rule'] ?? null) : entry))
}

function isSubset(some: Json | undefined, of: Json | undefined): boolean {
  const all = new Set(listOf(of).map((item) => canonicalize(item)))
  return listOf(some).every((item) => all.has(canonicalize(item)))
}
